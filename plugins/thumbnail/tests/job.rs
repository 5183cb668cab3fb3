//! The job as the host calls it, on real files.

use std::fs;
use std::path::Path;

use image::{ImageFormat, Rgb, RgbImage};
use thumbnail as _;
use zapjobs_sdk::ErrorKind;
use zapjobs_sdk::prelude::*;
use zapjobs_sdk::testing::TestContext;

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let image = RgbImage::from_fn(600, 400, |x, y| Rgb([x as u8, y as u8, 90]));
    for name in ["a.jpg", "b.png"] {
        image.save(folder.path().join(name)).expect("the image is written");
    }
    let whole = fs::read(folder.path().join("b.png")).expect("it is there");
    fs::write(folder.path().join("broken.png"), &whole[..whole.len() / 2]).expect("it is written");
    fs::write(folder.path().join("notes.txt"), "no image").expect("it is written");
    folder
}

fn input(folder: &Path, more: Value) -> Value {
    let mut input = json!({ "from": folder, "to": folder.join("small") });
    let (Some(into), Value::Object(more)) = (input.as_object_mut(), more) else {
        panic!("both are objects");
    };
    into.extend(more);
    input
}

#[test]
fn every_image_gets_its_thumbnail_and_a_broken_one_is_counted() {
    let folder = folder();
    let test = TestContext::new();
    let output = test.run_json("thumbnail", input(folder.path(), json!({}))).expect("it completes");
    assert_eq!(output["made"].as_array().map(Vec::len), Some(2));
    let first = &output["made"][0];
    assert_eq!((&first["source"], &first["thumbnail"]), (&json!("a.jpg"), &json!("a.jpg")));
    assert_eq!((&first["width"], &first["height"]), (&json!(256), &json!(171)));

    let file = fs::read(folder.path().join("small/a.jpg")).expect("it is written");
    assert_eq!(first["bytes"], file.len());
    assert_eq!(image::guess_format(&file).expect("it is an image"), ImageFormat::Jpeg);
    assert_eq!(image::load_from_memory(&file).expect("it decodes").width(), 256);

    assert_eq!(output["failed"][0]["source"], "broken.png");
    let counts = test.item_counts().expect("items were counted");
    assert_eq!((counts.processed, counts.succeeded, counts.failed), (3, 2, 1));
    let progress = test.last_progress().expect("progress was told");
    assert_eq!((progress.done, progress.total), (3, Some(3)));
    let warned = test.logs().into_iter().find(|line| line.message == "no thumbnail");
    assert_eq!(warned.expect("it is said").fields["source"], "broken.png");
}

#[test]
fn size_and_format_are_as_asked() {
    let folder = folder();
    let asked = json!({ "files": ["b.png"], "size": 90, "format": "jpeg", "quality": 60 });
    let output = TestContext::new()
        .run_json("thumbnail", input(folder.path(), asked))
        .expect("it completes");
    assert_eq!(output["made"][0]["thumbnail"], "b.png.jpg");
    assert_eq!(output["made"][0]["width"], 90);
}

#[test]
fn a_name_that_leads_out_is_a_failed_item() {
    let folder = folder();
    let asked = json!({ "files": ["../secret.png", "a.jpg"] });
    let output = TestContext::new()
        .run_json("thumbnail", input(folder.path(), asked))
        .expect("it completes");
    assert_eq!(output["failed"][0]["reason"], "the name leads out of the directory");
    assert_eq!(output["made"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_request_to_stop_is_heeded_between_images() {
    let folder = folder();
    let test = TestContext::new().cancelled_after(1);
    let error = test.run_json("thumbnail", input(folder.path(), json!({}))).expect_err("it stops");
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert!(folder.path().join("small/a.jpg").exists());
    assert!(!folder.path().join("small/b.png").exists());
}

#[test]
fn an_empty_input_is_enough() {
    let error = TestContext::new().run_json("thumbnail", json!({})).expect_err("no /in here");
    assert_eq!(error.error_type(), "unreadable-input");
}
