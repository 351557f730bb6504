//! The files that reflection describes, by name and by symbol.
//!
//! Looks symbols up like the descriptor pool of Python's protobuf (7.36.2 with upb): messages, enums
//! and their values, services, extensions, fields and oneofs are symbols, methods are not.

use std::collections::HashMap;

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, FileDescriptor, MessageDescriptor, Value};

/// The files of a pool.
#[derive(Debug)]
pub(super) struct Files {
    pool: DescriptorPool,
    /// The encoded files by name.
    encoded: HashMap<String, Vec<u8>>,
    /// The file of each symbol by its full name.
    symbols: HashMap<String, FileDescriptor>,
}

impl Files {
    pub(super) fn new(pool: DescriptorPool) -> Self {
        let encoded = pool.files().map(|file| (file.name().to_owned(), encode(&file))).collect();
        let mut symbols = HashMap::new();
        let mut add = |symbol: &str, file: FileDescriptor| {
            symbols.insert(symbol.to_owned(), file);
        };
        for message in pool.all_messages() {
            add(message.full_name(), message.parent_file());
            message.fields().for_each(|field| add(field.full_name(), message.parent_file()));
            message.oneofs().for_each(|oneof| add(oneof.full_name(), message.parent_file()));
        }
        for one in pool.all_enums() {
            add(one.full_name(), one.parent_file());
            one.values().for_each(|value| add(value.full_name(), one.parent_file()));
        }
        for extension in pool.all_extensions() {
            add(extension.full_name(), extension.parent_file());
        }
        for service in pool.services() {
            add(service.full_name(), service.parent_file());
        }
        Self { pool, encoded, symbols }
    }

    /// The file with this name and the files that it imports, directly or not, encoded.
    pub(super) fn named(&self, name: &str) -> Option<Vec<Vec<u8>>> {
        self.pool.get_file_by_name(name).map(|file| self.with_imports(&file))
    }

    /// The file that defines `symbol`, with its imports.
    pub(super) fn defining(&self, symbol: &str) -> Option<Vec<Vec<u8>>> {
        self.symbols.get(symbol).map(|file| self.with_imports(file))
    }

    /// The file that defines the extension of `message` with this number, with its imports.
    pub(super) fn defining_extension(&self, message: &str, number: i32) -> Option<Vec<Vec<u8>>> {
        let extension = self.message(message)?.get_extension(u32::try_from(number).ok()?)?;
        Some(self.with_imports(&extension.parent_file()))
    }

    /// The full name of `message` and the numbers of its extensions in ascending order.
    pub(super) fn extensions(&self, message: &str) -> Option<(String, Vec<i32>)> {
        let message = self.message(message)?;
        let numbers = message.extensions().filter_map(|one| i32::try_from(one.number()).ok());
        let mut numbers: Vec<_> = numbers.collect();
        numbers.sort_unstable();
        Some((message.full_name().to_owned(), numbers))
    }

    fn message(&self, name: &str) -> Option<MessageDescriptor> {
        self.pool.get_message_by_name(name)
    }

    /// In the order of grpcio: each file before its imports, and no file twice.
    fn with_imports(&self, file: &FileDescriptor) -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        collect(file, &mut found);
        found.iter().filter_map(|file| self.encoded.get(file.name()).cloned()).collect()
    }
}

fn collect(file: &FileDescriptor, found: &mut Vec<FileDescriptor>) {
    if !found.contains(file) {
        found.push(file.clone());
        file.dependencies().for_each(|import| collect(&import, found));
    }
}

/// Encodes `file` as Python's protobuf does: without comments and without default JSON names.
fn encode(file: &FileDescriptor) -> Vec<u8> {
    const FILE: &str = "google.protobuf.FileDescriptorProto";
    let whole = file.encode_to_vec();
    // Dynamic, because options that this program does not know have to remain.
    let descriptor = DescriptorPool::global().get_message_by_name(FILE);
    let decoded = descriptor.and_then(|it| DynamicMessage::decode(it, whole.as_slice()).ok());
    let Some(mut decoded) = decoded else { return whole };
    decoded.clear_field_by_name("source_code_info");
    strip_json_names(&mut decoded, &["extension", "message_type"]);
    decoded.encode_to_vec()
}

/// Removes the default JSON names of the fields in these lists of `message`, and below.
fn strip_json_names(message: &mut DynamicMessage, lists: &[&str]) {
    for list in lists {
        let Some(elements) = message.get_field_by_name_mut(list).and_then(Value::as_list_mut)
        else {
            continue;
        };
        for element in elements.iter_mut().filter_map(Value::as_message_mut) {
            match *list {
                "message_type" | "nested_type" => {
                    strip_json_names(element, &["extension", "field", "nested_type"]);
                }
                _ => strip_json_name(element),
            }
        }
        if elements.is_empty() {
            message.clear_field_by_name(list);
        }
    }
}

fn strip_json_name(field: &mut DynamicMessage) {
    let text = |name| {
        let value = field.get_field_by_name(name)?;
        value.as_str().map(str::to_owned)
    };
    if let (Some(name), Some(json)) = (text("name"), text("json_name"))
        && json == default_json_name(&name)
    {
        field.clear_field_by_name("json_name");
    }
}

/// The JSON name that protoc gives to a field: without underscores, and the letter after each in
/// upper case.
fn default_json_name(name: &str) -> String {
    let mut is_after_underscore = false;
    let mut json = String::with_capacity(name.len());
    for letter in name.chars() {
        if letter == '_' {
            is_after_underscore = true;
        } else {
            let upper = std::mem::take(&mut is_after_underscore);
            json.push(if upper { letter.to_ascii_uppercase() } else { letter });
        }
    }
    json
}
