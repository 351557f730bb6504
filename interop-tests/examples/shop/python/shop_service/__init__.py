"""The service shop.v1.Shop.

- servicer: the methods
- store: the products and orders of every shop
- validation: what is wrong with a request
- errors: statuses and their details
- call_metadata: the metadata of requests

grpcio-tools compiles the .proto files when `shop.v1.shop_pb2` and the like are imported. So they
are always those of the files, and no generated code has to match the installed protobuf.
"""

import sys
from pathlib import Path

from grpc_tools import protoc as _importer  # noqa: F401 - it adds itself to the import system

PROTO_FOLDER = Path(__file__).resolve().parents[2] / "proto"

sys.path.append(str(PROTO_FOLDER))
