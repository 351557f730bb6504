//! Files that a user writes: an error in one of them names it.

use std::path::Path;
use std::sync::LazyLock;

use prost_reflect::DescriptorPool;

use crate::compare::test_service;
use crate::compare::user::UserCases;
use crate::config::Peers;
use crate::config::document::{Content, Node};
use crate::http2::{Hex, Text};

static POOL: LazyLock<DescriptorPool> = LazyLock::new(test_service::pool);

/// A file with cases, as TOML and as JSON.
pub(super) fn case_files(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for (name, node) in
        [("of-a-target.toml", Node::of_toml(text)), ("of-a-target.json", Node::of_json(text))]
    {
        match &node {
            Ok(node) => assert_is_in(node, text),
            Err(wrong) => assert!(wrong.span.start <= text.len(), "{wrong:?}"),
        }
        match UserCases::of_text(Path::new(name), text, &POOL) {
            Ok(cases) => {
                assert!(node.is_ok());
                for method in ["shop.Shop.Get", "shop.Shop.Watch"] {
                    cases.setup_of(method);
                    for case in cases.cases_of(method) {
                        assert!(!case.name.is_empty() && !case.steps.is_empty());
                    }
                }
            }
            Err(error) => assert!(error.to_string().starts_with(name), "{error}"),
        }
    }
}

/// Checks that the place of every value is a part of the text.
fn assert_is_in(node: &Node, text: &str) {
    assert!(text.get(node.span.clone()).is_some(), "{node:?}");
    match &node.content {
        Content::List(nodes) => nodes.iter().for_each(|node| assert_is_in(node, text)),
        Content::Table(entries) => {
            for (key, node) in entries {
                assert!(text.get(key.span.clone()).is_some(), "{key:?}");
                assert_is_in(node, text);
            }
        }
        _ => {}
    }
}

/// A peers file, without the files that it names.
pub(super) fn peers_files(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Peers::of_text(text) {
        Ok(peers) => assert!(peers.all.iter().all(|peer| !peer.name().is_empty())),
        Err(error) => assert!(error.to_string().starts_with("peers.toml:"), "{error}"),
    }
}

/// Bytes in tables are read again from what they are written as.
pub(super) fn table_texts(bytes: &[u8]) {
    let written = String::from(Text(bytes.to_vec()));
    assert_eq!(Text::try_from(written), Ok(Text(bytes.to_vec())));
    let digits = String::from(Hex(bytes.to_vec()));
    assert_eq!(Hex::try_from(digits), Ok(Hex(bytes.to_vec())));
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(Text(read)) = Text::try_from(text.to_owned()) {
        assert!(read.len() <= text.len());
    }
    if let Ok(Hex(read)) = Hex::try_from(text.to_owned()) {
        assert!(2 * read.len() <= text.len());
    }
}
