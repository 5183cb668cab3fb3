// Where the nodes of a workflow stand. Invariant: pure; the same workflow has the same picture.

export interface Edge {
  readonly from: string;
  readonly to: string;
  readonly on: string;
}

/** A node with its place: its column, and its row in that. */
export interface Placed {
  readonly name: string;
  readonly column: number;
  readonly row: number;
}

/** Each node right of all that it follows; within a column, near what it follows. */
export function place(names: readonly string[], edges: readonly Edge[]): Placed[] {
  const known = new Set(names);
  const before = new Map<string, string[]>(names.map((name) => [name, []]));
  for (const { from, to } of edges) {
    if (known.has(from)) before.get(to)?.push(from);
  }
  const columns = new Map<string, number>(names.map((name) => [name, 0]));
  // As often as there are nodes is enough, and a circle ends too.
  for (let round = 0; round < names.length; round += 1) {
    let isChanged = false;
    for (const name of names) {
      const column = Math.max(0, ...(before.get(name) ?? []).map((one) => (columns.get(one) ?? 0) + 1));
      if (column > (columns.get(name) ?? 0) && column < names.length) {
        columns.set(name, column);
        isChanged = true;
      }
    }
    if (!isChanged) break;
  }
  const rows = new Map<string, number>();
  const placed: Placed[] = [];
  const width = Math.max(0, ...columns.values());
  for (let column = 0; column <= width; column += 1) {
    const here = names.filter((name) => columns.get(name) === column);
    const middle = (name: string): number => {
      const of = (before.get(name) ?? []).map((one) => rows.get(one) ?? 0);
      return of.length === 0 ? 0 : of.reduce((sum, one) => sum + one, 0) / of.length;
    };
    const order = [...here].sort((a, b) => middle(a) - middle(b) || names.indexOf(a) - names.indexOf(b));
    order.forEach((name, row) => {
      rows.set(name, row);
      placed.push({ name, column, row });
    });
  }
  return placed;
}
