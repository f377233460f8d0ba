"""The one test rule: GoogleTest's main and the sanitizers' suppressions are always linked."""

load("@rules_cc//cc:defs.bzl", "cc_test")
load("//runtime:defs.bzl", "COPTS")

def espalier_test(name, srcs, deps = [], size = "small", copts = [], **kwargs):
    cc_test(
        name = name,
        srcs = srcs,
        size = size,
        copts = COPTS + copts,
        deps = deps + [
            "//tests:sanitizers",
            "//third_party:gtest_main",
        ],
        **kwargs
    )
