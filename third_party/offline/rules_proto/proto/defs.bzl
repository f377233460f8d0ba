"""Stand-in for rules_proto (Bazel 4's own tool packages load it)."""

proto_lang_toolchain = native.proto_lang_toolchain
proto_library = native.proto_library
