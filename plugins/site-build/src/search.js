// Shows the pages that hold every word of the search box, titles first.
const box = document.querySelector("#search");
const results = document.querySelector("#results");
const top_path = document.documentElement.dataset.top;
const resultsMax = 12;

function score(page, words) {
  const title = page.title.toLowerCase();
  const headings = page.headings.join("\n").toLowerCase();
  const text = page.text.toLowerCase();
  let sum = 0;
  for (const word of words) {
    const points =
      (title.includes(word) ? 9 : 0) + (headings.includes(word) ? 3 : 0) + (text.includes(word) ? 1 : 0);
    if (points === 0) return 0;
    sum += points;
  }
  return sum;
}

box?.addEventListener("input", () => {
  const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
  const found = words.length === 0 ? [] : pages
    .map((page) => [score(page, words), page])
    .filter(([points]) => points > 0)
    .sort((a, b) => b[0] - a[0])
    .slice(0, resultsMax);
  results.replaceChildren(...found.map(([, page]) => {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = top_path + page.url;
    link.textContent = page.title;
    item.append(link);
    return item;
  }));
});
