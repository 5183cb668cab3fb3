//! Builds a static site from a folder's Markdown files.
//!
//! **Invariant:** a page holds no script that its author wrote, unless raw HTML was asked
//! for: HTML is left out and links lead to the web, to mail, or to another page. Only
//! [`job`] knows of ZapJobs.
//!
//! In reading order: [`source`] finds pages, [`page`] reads one with the names of
//! [`slug`], [`link`] says where links lead, [`render`] makes HTML, [`layout`] puts the
//! site around it, and [`search`] makes it searchable.

pub mod job;
pub mod layout;
pub mod link;
pub mod page;
pub mod render;
pub mod search;
pub mod slug;
pub mod source;
