"""Rules of our own code: the warning flags and the visibility default live here."""

load("@rules_cc//cc:defs.bzl", "cc_binary", "cc_library")

COPTS = [
    "-Wall",
    "-Wextra",
    "-Wconversion",
    "-Wshadow",
    "-Werror",
]

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
