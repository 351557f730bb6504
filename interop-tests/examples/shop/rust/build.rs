//! Compiles the .proto files for both programs, and encodes the catalogue.
//!
//! The generated code differs only in its codec.

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage};

const PROTO: &str = "../proto";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={PROTO}");
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let mut compiler = protox::Compiler::new([PROTO])?;
    compiler.include_imports(true).open_file("shop/v1/shop.proto")?;
    let descriptors = compiler.file_descriptor_set();
    fs::write(out.join("descriptors.bin"), compiler.encode_file_descriptor_set())?;

    let codecs = [("plain", None), ("grpcio", Some("calculator::grpcio::ServerCodec"))];
    for (folder, codec) in codecs {
        let folder = out.join(folder);
        fs::create_dir_all(&folder)?;
        // BTreeMap, so that map entries are in the same order each time.
        let mut builder =
            tonic_prost_build::configure().build_client(false).btree_map(".").out_dir(folder);
        if let Some(codec) = codec {
            builder = builder.codec_path(codec);
        }
        builder.compile_fds(descriptors.clone())?;
    }

    let pool = DescriptorPool::from_file_descriptor_set(descriptors)?;
    let catalogue =
        pool.get_message_by_name("shop.v1.Catalogue").ok_or("there is no shop.v1.Catalogue")?;
    let text = fs::read_to_string(format!("{PROTO}/catalogue.txtpb"))?;
    let catalogue = DynamicMessage::parse_text_format(catalogue, &text)?;
    fs::write(out.join("catalogue.bin"), catalogue.encode_to_vec())?;
    Ok(())
}
