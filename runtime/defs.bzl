"""Rules of our own code: the warning flags and the visibility default live here."""

load("@rules_cc//cc:defs.bzl", "cc_binary", "cc_library")

COPTS = [
    "-Wall",
    "-Wextra",
    "-Wconversion",
    "-Wshadow",
    "-Werror",
]

# For sources with Highway's vectors. Left out: SSSE3 (next to no processor stops there) and the targets
# whose vector length is known only at run time: vectors stand in arrays and structures here.
VECTOR_TARGETS = "-DHWY_DISABLED_TARGETS=(HWY_SSSE3|HWY_SVE|HWY_SVE2|HWY_SVE_256|HWY_SVE2_128|HWY_RVV)"

def espalier_library(name, copts = [], **kwargs):
    cc_library(
        name = name,
        copts = COPTS + copts,
        **kwargs
    )

def espalier_binary(name, copts = [], **kwargs):
    cc_binary(
        name = name,
        copts = COPTS + copts,
        **kwargs
    )
