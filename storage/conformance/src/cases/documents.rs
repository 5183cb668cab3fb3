//! Documents: kept by revision, listed by owner and name, deleted by name.

use zapjobs_model::document::DOCUMENT_BYTES_MAX;
use zapjobs_model::{Document, Json};
use zapjobs_storage::{
    DOCUMENTS_MAX, DocumentOwner, DocumentPageRequest, DocumentPlace, ErrorKind, WriteResult,
};

use crate::Fixture;
use crate::actions::refused;
use crate::builders::{
    a_document, document_key, document_kind, document_name, json, seconds, tenant,
};

use WriteResult::{Conflict, Written};

impl Fixture {
    async fn put_documents(&self, documents: &[Document]) -> Vec<WriteResult> {
        self.storage.put_documents(documents).await.expect("the documents are answered")
    }

    /// Stores a document and answers it as it is then stored.
    async fn put_document(&self, document: Document) -> Document {
        assert_eq!(self.put_documents(std::slice::from_ref(&document)).await, [Written]);
        Document { revision: document.revision + 1, updated_at: self.now(), ..document }
    }

    async fn document(&self, owner: &str, name: &str) -> Option<Document> {
        let key = document_key("calendar", owner, name);
        self.storage.document(&key).await.expect("the document is read")
    }

    /// `OWNER/NAME` of all documents that a request asks for, in pages of its limit.
    async fn listed(&self, mut request: DocumentPageRequest) -> Vec<String> {
        let mut listed = Vec::new();
        loop {
            let page = self.storage.documents(&request).await.expect("listed");
            assert!(page.documents.len() <= request.limit);
            listed.extend(page.documents.into_iter().map(|Document { key, .. }| {
                format!("{}/{}", key.tenant.map_or(String::new(), String::from), key.name)
            }));
            request.after = page.next;
            if request.after.is_none() {
                return listed;
            }
        }
    }
}

fn of(owner: DocumentOwner) -> DocumentPageRequest {
    DocumentPageRequest::of(document_kind("calendar"), owner)
}

pub(crate) async fn every_field_of_a_document_survives(f: &Fixture) {
    assert_eq!(f.document("acme", "holidays").await, None);
    let body = json(r#"{"n":1.50,"text":"\u0000 ü 'quoted'"}"#);
    for (owner, name) in [("acme", "holidays"), ("", "holidays"), ("acme", "a, b/ü: 100%")] {
        let new = Document { body: body.clone(), ..a_document("calendar", owner, name) };
        let stored = f.put_document(new).await;
        assert_eq!(stored.revision, 1);
        assert_eq!(f.document(owner, name).await, Some(stored));
    }
    let other = document_key("template", "acme", "holidays");
    assert_eq!(f.storage.document(&other).await.expect("read"), None, "another kind");
}

pub(crate) async fn a_document_is_written_over_the_revision_it_carries(f: &Fixture) {
    let new = a_document("calendar", "acme", "holidays");
    let first = f.put_document(new.clone()).await;
    assert_eq!(f.put_documents(std::slice::from_ref(&new)).await, [Conflict], "it is there");
    f.clock.advance(seconds(5));
    let changed = Document { body: json("[2]"), ..first };
    let second = f.put_document(changed.clone()).await;
    assert_eq!((second.revision, second.updated_at), (2, f.now()));
    assert_eq!(f.put_documents(&[changed]).await, [Conflict], "it was written meanwhile");
    assert_eq!(f.document("acme", "holidays").await, Some(second));
    let unknown = Document { revision: 4, ..a_document("calendar", "acme", "other") };
    assert_eq!(f.put_documents(&[unknown]).await, [Conflict]);
    assert_eq!(f.document("acme", "other").await, None);
}

pub(crate) async fn each_document_of_a_batch_is_answered_by_itself(f: &Fixture) {
    let known = f.put_document(a_document("calendar", "b", "known")).await;
    let stale = Document { revision: 9, ..known.clone() };
    let one = a_document("calendar", "b", "one");
    let batch = [stale, one.clone(), a_document("calendar", "", "two"), one, known.clone(), known];
    let expected = [Conflict, Written, Written, Conflict, Written, Conflict];
    assert_eq!(f.put_documents(&batch).await, expected);
    assert_eq!(f.put_documents(&[]).await, []);
    assert_eq!(f.listed(of(DocumentOwner::Any)).await, ["/two", "b/known", "b/one"]);
}

pub(crate) async fn a_document_of_another_revision_is_not_deleted(f: &Fixture) {
    let key = document_key("calendar", "acme", "holidays");
    let stored = f.put_document(a_document("calendar", "acme", "holidays")).await;
    f.put_document(a_document("calendar", "", "holidays")).await;
    let delete =
        async |revision| f.storage.delete_document(&key, revision).await.expect("answered");
    assert_eq!(delete(0).await, Conflict);
    assert_eq!(delete(2).await, Conflict);
    assert_eq!(f.document("acme", "holidays").await, Some(stored));
    assert_eq!(delete(1).await, Written);
    assert_eq!(delete(1).await, Conflict, "it is gone");
    assert_eq!(f.listed(of(DocumentOwner::Any)).await, ["/holidays"]);
    let again = f.put_document(a_document("calendar", "acme", "holidays")).await;
    assert_eq!(again.revision, 1, "as if it had never been there");
}

pub(crate) async fn documents_are_listed_page_by_page_from_both_ends(f: &Fixture) {
    let names = [
        ("b", "a"),
        ("a", "b"),
        ("", "z"),
        ("a", "ü, x"),
        ("a-", "c"),
        ("a", "B"),
        ("a.b", "x"),
        ("", "a"),
    ];
    f.put_documents(&names.map(|(owner, name)| a_document("calendar", owner, name))).await;
    f.put_document(a_document("template", "a", "b2")).await;
    f.put_document(a_document("calendar-x", "a", "b3")).await;
    let all = ["/a", "/z", "a/B", "a/b", "a/ü, x", "a-/c", "a.b/x", "b/a"];
    let owners = [
        (DocumentOwner::Any, &all[..]),
        (DocumentOwner::Installation, &all[..2]),
        (DocumentOwner::Tenant(tenant("a")), &all[2..5]),
        (DocumentOwner::Tenant(tenant("a-")), &all[5..6]),
        (DocumentOwner::Tenant(tenant("c")), &[]),
    ];
    for (owner, expected) in owners {
        for limit in [1, 2, 3, 4, 9] {
            let request = DocumentPageRequest { limit, ..of(owner.clone()) };
            assert_eq!(f.listed(request.clone()).await, expected, "{owner:?} by {limit}");
            let backward = DocumentPageRequest { newest_first: true, ..request };
            let mut expected = expected.to_vec();
            expected.reverse();
            assert_eq!(f.listed(backward).await, expected, "{owner:?} by {limit}, from the end");
        }
    }
    let none = DocumentPageRequest { limit: 0, ..of(DocumentOwner::Any) };
    assert!(f.listed(none).await.is_empty());
}

pub(crate) async fn documents_are_listed_behind_a_place_where_nothing_stands(f: &Fixture) {
    let names = [("", "m"), ("a", "b"), ("a", "d"), ("b", "a")];
    f.put_documents(&names.map(|(owner, name)| a_document("calendar", owner, name))).await;
    let behind = async |owner: DocumentOwner, place: (&str, &str), newest_first| {
        let tenant = Some(place.0).filter(|name| !name.is_empty()).map(tenant);
        let place = DocumentPlace { tenant, name: document_name(place.1) };
        f.listed(DocumentPageRequest { after: Some(place), newest_first, ..of(owner) }).await
    };
    let of_a = || DocumentOwner::Tenant(tenant("a"));
    assert_eq!(behind(DocumentOwner::Any, ("a", "c"), false).await, ["a/d", "b/a"]);
    assert_eq!(behind(DocumentOwner::Any, ("a", "c"), true).await, ["a/b", "/m"]);
    assert_eq!(behind(of_a(), ("", "z"), false).await, ["a/b", "a/d"]);
    assert_eq!(behind(of_a(), ("", "z"), true).await, [""; 0]);
    assert_eq!(behind(of_a(), ("b", "z"), false).await, [""; 0]);
    assert_eq!(behind(of_a(), ("b", "z"), true).await, ["a/d", "a/b"]);
    assert_eq!(behind(DocumentOwner::Installation, ("", "m"), false).await, [""; 0]);
}

pub(crate) async fn documents_go_by_their_names_whosever_they_are(f: &Fixture) {
    let names = [("b", "1"), ("", "3"), ("a", "2"), ("", "1"), ("a", "1"), ("a", "10"), ("b", "4")];
    f.put_documents(&names.map(|(owner, name)| a_document("calendar", owner, name))).await;
    f.put_document(a_document("template", "a", "0")).await;
    let delete = async |name: &str, limit| {
        let (kind, name) = (document_kind("calendar"), document_name(name));
        f.storage.delete_documents_before(&kind, &name, limit).await.expect("deleted")
    };
    assert_eq!(delete("1", 10).await, 0, "that name itself stays");
    assert_eq!(delete("3", 2).await, 2);
    assert_eq!(f.listed(of(DocumentOwner::Any)).await, ["/3", "a/10", "a/2", "b/1", "b/4"]);
    assert_eq!(delete("3", 0).await, 0);
    assert_eq!(delete("3", 1_000_000).await, 3);
    assert_eq!(f.listed(of(DocumentOwner::Any)).await, ["/3", "b/4"]);
    let others = DocumentPageRequest::of(document_kind("template"), DocumentOwner::Any);
    assert_eq!(f.listed(others).await, ["a/0"]);
}

pub(crate) async fn a_batch_of_documents_that_is_too_much_is_refused_whole(f: &Fixture) {
    let documents: Vec<Document> = (0..=DOCUMENTS_MAX)
        .map(|number| a_document("calendar", "acme", &format!("d{number:04}")))
        .collect();
    refused(f.storage.put_documents(&documents).await, ErrorKind::InvalidRequest);
    let body = |bytes| Json::of(&"x".repeat(bytes - 2)).expect("JSON");
    let of_bytes = |bytes| Document { body: body(bytes), ..documents[0].clone() };
    let long = [documents[1].clone(), of_bytes(DOCUMENT_BYTES_MAX + 1)];
    refused(f.storage.put_documents(&long).await, ErrorKind::InvalidRequest);
    assert!(f.listed(of(DocumentOwner::Any)).await.is_empty());
    let stored = f.put_document(of_bytes(DOCUMENT_BYTES_MAX)).await;
    assert_eq!(f.document("acme", "d0000").await, Some(stored));
    let answers = f.put_documents(&documents[1..]).await;
    assert_eq!(answers, [Written; DOCUMENTS_MAX]);
    let endless = DocumentPageRequest { limit: usize::MAX, ..of(DocumentOwner::Any) };
    assert_eq!(f.listed(endless).await.len(), DOCUMENTS_MAX + 1);
}
