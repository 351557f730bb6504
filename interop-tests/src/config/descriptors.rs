//! The descriptors of the services that a peers file names: from .proto files, or from a descriptor set.
//!
//! They are read before anything runs, so that an error in a .proto file or in a message of a table is found at once.

use std::collections::BTreeSet;
use std::path::Path;

use miette::Diagnostic;
use prost_reflect::prost::Message as _;
use prost_reflect::prost_types::{FileDescriptorProto, FileDescriptorSet};
use prost_reflect::{DescriptorError, DescriptorPool};
use protox::Compiler;
use toml::Spanned;

use crate::config::source::{ConfigError, Source};

/// Where descriptors come from: keys of a peers file. Paths are relative to its folder.
#[derive(Debug, Default)]
pub(crate) struct DescriptorSources {
    /// .proto files.
    pub(crate) protos: Vec<Spanned<String>>,
    /// The folders in which imports are found. The default is the folder of the peers file.
    pub(crate) include: Vec<Spanned<String>>,
    /// A file with an encoded `FileDescriptorSet`.
    pub(crate) descriptors: Option<Spanned<String>>,
}

/// The descriptors of a user's services.
#[derive(Clone, Debug)]
pub(crate) struct Descriptors {
    pub(crate) pool: DescriptorPool,
    /// The names of the files that the user has not named, and that are there because others import them.
    pub(crate) imports: BTreeSet<String>,
}

impl Descriptors {
    /// Those of the calculator, without the other services of this project.
    pub(crate) fn of_calculator() -> Result<Self, DescriptorError> {
        const FILE: &str = "calculator.proto";
        let pool = built_in()?;
        let files = pool.files().map(|file| file.name().to_owned());
        let imports = files.filter(|name| name != FILE).collect();
        Ok(Self { pool, imports })
    }

    /// Those of all files that `compiler` has opened.
    pub(crate) fn of(compiler: &Compiler) -> Self {
        let imports = compiler.files().filter(|file| file.is_import());
        let imports = imports.map(|file| file.name().to_owned()).collect();
        Self { pool: compiler.descriptor_pool(), imports }
    }
}

/// The descriptors of this project's services, of health checking, of reflection, and of the details of a status.
pub(crate) fn built_in() -> Result<DescriptorPool, DescriptorError> {
    DescriptorPool::decode(&include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"))[..])
}

impl From<DescriptorPool> for Descriptors {
    fn from(pool: DescriptorPool) -> Self {
        Self { pool, imports: BTreeSet::new() }
    }
}

impl DescriptorSources {
    /// Reads the descriptors; `None` if the file names none. `source` is the peers file, in `folder`.
    pub(crate) fn read(
        &self,
        source: &Source,
        folder: &Path,
    ) -> Result<Option<Descriptors>, ConfigError> {
        let wrong = |at: &Spanned<String>, message: String| source.error(Some(at.span()), message);
        if let ([], Some(first)) = (&self.protos[..], self.include.first()) {
            return Err(wrong(first, "`include` needs `protos`".to_owned()));
        }
        match (&self.protos[..], &self.descriptors) {
            ([], None) => Ok(None),
            (protos, None) => self.compile(protos, source, folder).map(Some),
            ([], Some(set)) => {
                let path = folder.join(set.get_ref());
                read_set(&path)
                    .map(|pool| Some(pool.into()))
                    .map_err(|why| wrong(set, format!("descriptors: {}: {why}", path.display())))
            }
            (_, Some(set)) => {
                Err(wrong(set, "`protos` and `descriptors` exclude each other".to_owned()))
            }
        }
    }

    /// Compiles .proto files.
    fn compile(
        &self,
        protos: &[Spanned<String>],
        source: &Source,
        folder: &Path,
    ) -> Result<Descriptors, ConfigError> {
        let mut include = Vec::new();
        for name in &self.include {
            let path = folder.join(name.get_ref());
            if !path.is_dir() {
                let message = format!("include: there is no folder `{}`", name.get_ref());
                return Err(source.error(Some(name.span()), message));
            }
            include.push(path);
        }
        if include.is_empty() {
            include.push(folder.to_owned());
        }
        let first = protos.first().map(Spanned::span);
        let mut compiler = Compiler::new(include)
            .map_err(|error| source.error(first, format!("include: {error}")))?;
        compiler.include_imports(true);
        for proto in protos {
            let path = folder.join(proto.get_ref());
            open(&mut compiler, &path)
                .map_err(|why| source.error(Some(proto.span()), format!("protos: {why}")))?;
        }
        Ok(Descriptors::of(&compiler))
    }
}

/// Compiles the .proto file at `path`. The error says where it is.
pub(crate) fn open(compiler: &mut Compiler, path: &Path) -> Result<(), String> {
    compiler.open_file(path).map(drop).map_err(|error| located(&error))
}

/// An error of the compiler with the file and the line in which it is.
fn located(error: &protox::Error) -> String {
    let mut message = error.to_string();
    if let Some(cause) = std::error::Error::source(error) {
        message = format!("{message}: {cause}");
    }
    if message.contains("is not in any include path") {
        message += "; add its folder to `include`";
    }
    let line = || {
        let label = error.labels()?.next()?;
        let contents = error.source_code()?.read_span(label.inner(), 0, 0).ok()?;
        Some(contents.line() + 1)
    };
    match line() {
        Some(line) => format!("{}:{line}: {message}", error.file().unwrap_or_default()),
        None => message,
    }
}

/// Decodes a `FileDescriptorSet`.
pub(crate) fn decode_set(set: &[u8]) -> Result<DescriptorPool, String> {
    // prost-reflect 0.16.5 panics if it does not know a syntax. Other errors are those of the pool.
    let files = FileDescriptorSet::decode(set).map(|set| set.file).unwrap_or_default();
    let is_known = |file: &FileDescriptorProto| {
        matches!(file.syntax.as_deref(), None | Some("proto2" | "proto3"))
    };
    if let Some(file) = files.iter().find(|file| !is_known(file)) {
        return Err(format!(
            "the file {} has the syntax {:?}: only proto2 and proto3 are supported",
            file.name(),
            file.syntax()
        ));
    }
    DescriptorPool::decode(set).map_err(|error| error.to_string())
}

fn read_set(path: &Path) -> Result<DescriptorPool, String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    decode_set(&bytes).map_err(|error| {
        format!(
            "{error}; it must be a FileDescriptorSet with all imports, as `protoc --include_imports \
             --descriptor_set_out` and `buf build` write it"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: &str = "syntax = \"proto3\";\npackage shop;\nimport \"money.proto\";\n\
                        service Shop { rpc Buy(Money) returns (Money); }\n";
    const MONEY: &str = "syntax = \"proto3\";\npackage shop;\nmessage Money { int64 cents = 1; }\n";

    /// Reads the descriptors that these sources name, in a folder with a complete service.
    fn read(protos: &[&str], include: &[&str], set: Option<&str>) -> Result<Vec<String>, String> {
        let folder = tempfile::tempdir().expect("cannot create a folder");
        let write = |name: &str, text: &[u8]| {
            std::fs::write(folder.path().join(name), text).expect("cannot write a file");
        };
        std::fs::create_dir(folder.path().join("proto")).expect("cannot create a folder");
        write("proto/shop.proto", SHOP.as_bytes());
        write("proto/money.proto", MONEY.as_bytes());
        write("proto/broken.proto", b"syntax = \"proto3\";\n\nmessage {}\n");
        write("proto/lost.proto", b"syntax = \"proto3\";\n\n\nimport \"none.proto\";\n");
        write("proto/unknown.proto", b"syntax = \"proto3\";\nmessage A {\n  B b = 1;\n}\n");
        write("proto/edition.proto", b"edition = \"2023\";\nmessage A {}\n");
        write("nothing.bin", b"\xff");
        let mut compiler = Compiler::new([folder.path().join("proto")]).expect("compiles");
        compiler.include_imports(true);
        compiler.open_file(folder.path().join("proto/shop.proto")).expect("compiles");
        write("shop.bin", &compiler.encode_file_descriptor_set());
        compiler.include_imports(false);
        write("incomplete.bin", &compiler.encode_file_descriptor_set());
        let spanned = |text: &&str| Spanned::new(0..1, (*text).to_owned());
        let sources = DescriptorSources {
            protos: protos.iter().map(spanned).collect(),
            include: include.iter().map(spanned).collect(),
            descriptors: set.as_ref().map(spanned),
        };
        let pool = sources.read(&Source::new("peers.toml", "keys"), folder.path());
        let pool = pool.map_err(|error| {
            error.to_string().replace(&*folder.path().to_string_lossy(), "FOLDER")
        })?;
        let services = pool.iter().flat_map(|it| it.pool.services());
        Ok(services.map(|service| service.full_name().to_owned()).collect())
    }

    #[test]
    fn descriptors_come_from_proto_files_or_a_set() {
        assert_eq!(read(&[], &[], None), Ok(Vec::new()));
        let shop = Ok(vec!["shop.Shop".to_owned()]);
        assert_eq!(read(&["proto/shop.proto"], &["proto"], None), shop);
        assert_eq!(read(&["proto/shop.proto", "proto/money.proto"], &["proto"], None), shop);
        assert_eq!(read(&[], &[], Some("shop.bin")), shop);
    }

    #[test]
    fn an_error_names_the_file_and_the_line() {
        let error = |protos: &[&str], include: &[&str], set, message: &str| {
            let error = read(protos, include, set).expect_err(message);
            assert!(error.starts_with(&format!("peers.toml:1: {message}")), "{error}");
        };
        let of_proto = |name: &str, message: &str| {
            error(&[&format!("proto/{name}.proto")], &["proto"], None, message);
        };
        of_proto("broken", "protos: broken.proto:3: expected an identifier, but found '{'");
        of_proto("lost", "protos: lost.proto:4: import 'none.proto' not found");
        of_proto("unknown", "protos: unknown.proto:3: name 'B' is not defined");
        of_proto("edition", "protos: edition.proto:1: ");
        of_proto("missing", "protos: ");
        error(
            &["proto/shop.proto"],
            &[],
            None,
            "protos: proto/shop.proto:3: import 'money.proto' not found",
        );
        error(&["proto/shop.proto"], &["none"], None, "include: there is no folder `none`");
        error(&[], &["proto"], None, "`include` needs `protos`");
        error(&[], &["proto"], Some("shop.bin"), "`include` needs `protos`");
        error(&["proto/shop.proto"], &[], Some("shop.bin"), "`protos` and `descriptors` exclude");
        error(&[], &[], Some("none.bin"), "descriptors: FOLDER/none.bin: No such file");
        error(&[], &[], Some("nothing.bin"), "descriptors: FOLDER/nothing.bin: ");
        error(&[], &[], Some("incomplete.bin"), "descriptors: FOLDER/incomplete.bin: ");
    }
}
