#!/usr/bin/env bash
# Installs the C library: bazel run //runtime/capi:install -- PREFIX
# Header, shared and static library, pkg-config and CMake files; nothing outside of PREFIX.
set -euo pipefail
prefix=${1:?usage: install PREFIX (an absolute path)}
[[ $prefix == /* ]] || { echo "install: $prefix is not an absolute path" >&2; exit 2; }
here=${RUNFILES_DIR:-$0.runfiles}/espalier/runtime/capi
[[ -d $here ]] || here=runtime/capi
version=0.1.0

install -d "$prefix"/{include,lib/pkgconfig,lib/cmake/espalier}
install -m 644 "$here/espalier.h" "$prefix/include/"
install -m 755 "$here/libespalier.so.0" "$prefix/lib/libespalier.so.$version"
ln -sf "libespalier.so.$version" "$prefix/lib/libespalier.so.0"
ln -sf libespalier.so.0 "$prefix/lib/libespalier.so"
install -m 644 "$here/libespalier.a" "$prefix/lib/"
flags="$(cat "$here/libespalier.flags") -lstdc++ -lm"

cat > "$prefix/lib/pkgconfig/espalier.pc" <<EOF
prefix=\${pcfiledir}/../..
Name: espalier
Description: Live speech recognition with OWSM and Whisper models
Version: $version
Cflags: -I\${prefix}/include
Libs: -L\${prefix}/lib -lespalier
Libs.private: $flags
EOF

cat > "$prefix/lib/cmake/espalier/espalier-config.cmake" <<EOF
# espalier::espalier is the shared library, espalier::static the static one.
get_filename_component(_espalier_prefix "\${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
set(espalier_VERSION $version)
if(NOT TARGET espalier::espalier)
  add_library(espalier::espalier SHARED IMPORTED)
  set_target_properties(espalier::espalier PROPERTIES
    IMPORTED_LOCATION "\${_espalier_prefix}/lib/libespalier.so.$version"
    IMPORTED_SONAME libespalier.so.0
    INTERFACE_INCLUDE_DIRECTORIES "\${_espalier_prefix}/include")
  add_library(espalier::static STATIC IMPORTED)
  set_target_properties(espalier::static PROPERTIES
    IMPORTED_LOCATION "\${_espalier_prefix}/lib/libespalier.a"
    INTERFACE_LINK_LIBRARIES "${flags// /;}"
    INTERFACE_INCLUDE_DIRECTORIES "\${_espalier_prefix}/include")
endif()
EOF

cat > "$prefix/lib/cmake/espalier/espalier-config-version.cmake" <<EOF
set(PACKAGE_VERSION $version)
if(PACKAGE_FIND_VERSION VERSION_GREATER PACKAGE_VERSION)
  set(PACKAGE_VERSION_COMPATIBLE FALSE)
else()
  set(PACKAGE_VERSION_COMPATIBLE TRUE)
  if(PACKAGE_FIND_VERSION VERSION_EQUAL PACKAGE_VERSION)
    set(PACKAGE_VERSION_EXACT TRUE)
  endif()
endif()
EOF
