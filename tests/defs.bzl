"""The one test rule: GoogleTest's main and the sanitizers' suppressions are always linked."""

load("@rules_cc//cc:defs.bzl", "cc_test")
load("//runtime:defs.bzl", "COPTS")

# For tests that run on a Vulkan device, here lavapipe. On the caller's thread a small dispatch costs a
# seventeenth, and other cores are left to other tests. Every message of the validation layers is an
# error of the backend.
LAVAPIPE_ENV = {
    "ESPALIER_VULKAN_VALIDATION": "1",
    "LP_NUM_THREADS": "0",
}

def espalier_test(name, srcs, deps = [], size = "small", copts = [], **kwargs):
    cc_test(
        name = name,
        srcs = srcs,
        size = size,
        copts = COPTS + copts,
        # GoogleTest's main goes first: Debian's libwebrtc_audio_processing.so exports a main of its
        # own, and the linker takes the first one it meets.
        deps = [
            "//third_party:gtest_main",
            "//tests:sanitizers",
        ] + deps,
        **kwargs
    )
