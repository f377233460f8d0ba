#!/bin/sh
# Runs one unittest file with the system's Python: Bazel 4's Python rules want a toolchain of their own.
exec /usr/bin/python3 -B "$1"
