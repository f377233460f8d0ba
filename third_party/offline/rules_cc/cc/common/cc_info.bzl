"""As in newer rules_cc, where Bazel itself no longer has the name."""

load(":builtin.bzl", "builtin")

CcInfo = builtin.CcInfo
