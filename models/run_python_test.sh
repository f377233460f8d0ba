#!/bin/sh
# Runs one unittest file with the system's Python (ESPALIER_PYTHON: another one, say one with PyTorch):
# Bazel 4's Python rules want a toolchain of their own.
exec "${ESPALIER_PYTHON:-/usr/bin/python3}" -B "$1"
