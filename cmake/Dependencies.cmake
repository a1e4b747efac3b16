# Dependencies.cmake: finds what the distribution offers. OpenSSL >= 3.5.1 comes from the
# system, or from the static copy that `./dev setup` builds once per machine.

set(HAWSER_CACHE_DIR "$ENV{HAWSER_CACHE_DIR}" CACHE PATH "Where ./dev setup keeps what it built")
if(NOT HAWSER_CACHE_DIR)
  if(DEFINED ENV{XDG_CACHE_HOME})
    set(HAWSER_CACHE_DIR "$ENV{XDG_CACHE_HOME}/hawser")
  else()
    set(HAWSER_CACHE_DIR "$ENV{HOME}/.cache/hawser")
  endif()
endif()

if(EXISTS "${HAWSER_CACHE_DIR}/openssl/lib/libssl.a")
  set(OPENSSL_ROOT_DIR "${HAWSER_CACHE_DIR}/openssl")
  set(OPENSSL_USE_STATIC_LIBS ON)
endif()
find_package(OpenSSL 3.5.1 REQUIRED)
find_package(Threads REQUIRED)

# libipsec-mb: fast AES-GCM on x86-64; everything works without it.
find_path(IPSEC_MB_INCLUDE intel-ipsec-mb.h)
find_library(IPSEC_MB_LIBRARY IPSec_MB)
if(IPSEC_MB_INCLUDE AND IPSEC_MB_LIBRARY)
  add_library(ipsec_mb INTERFACE)
  target_include_directories(ipsec_mb INTERFACE ${IPSEC_MB_INCLUDE})
  target_link_libraries(ipsec_mb INTERFACE ${IPSEC_MB_LIBRARY})
  target_compile_definitions(ipsec_mb INTERFACE HAWSER_HAVE_IPSEC_MB=1)
  # Its calls for many packets of QUIC came after 1.3, which is what Debian 12 has.
  include(CheckCXXSourceCompiles)
  set(CMAKE_REQUIRED_INCLUDES "${IPSEC_MB_INCLUDE}")
  set(CMAKE_REQUIRED_LIBRARIES "${IPSEC_MB_LIBRARY}")
  check_cxx_source_compiles("
    #include <intel-ipsec-mb.h>
    int main() {
      imb_quic_aes_gcm(nullptr, nullptr, IMB_KEY_128_BYTES, IMB_DIR_ENCRYPT, nullptr, nullptr, nullptr, nullptr,
                       nullptr, 0, nullptr, 16, 0);
    }" HAWSER_IPSEC_MB_HAS_QUIC)
  unset(CMAKE_REQUIRED_INCLUDES)
  unset(CMAKE_REQUIRED_LIBRARIES)
  if(HAWSER_IPSEC_MB_HAS_QUIC)
    target_compile_definitions(ipsec_mb INTERFACE HAWSER_HAVE_IPSEC_MB_QUIC=1)
  endif()
endif()

# ISA-L: Reed-Solomon codes of forward error correction; XOR works without it.
find_path(ISAL_INCLUDE isa-l/erasure_code.h)
find_library(ISAL_LIBRARY isal)
if(ISAL_INCLUDE AND ISAL_LIBRARY)
  add_library(isal INTERFACE)
  target_include_directories(isal INTERFACE ${ISAL_INCLUDE})
  target_link_libraries(isal INTERFACE ${ISAL_LIBRARY})
  target_compile_definitions(isal INTERFACE HAWSER_HAVE_ISAL=1)
endif()

# Lua: path schedulers that are scripts; without it, they are refused.
find_path(LUA_INCLUDE lua5.4/lua.hpp)
find_library(LUA_LIBRARY lua5.4)
if(LUA_INCLUDE AND LUA_LIBRARY)
  add_library(lua INTERFACE)
  target_include_directories(lua INTERFACE ${LUA_INCLUDE})
  target_link_libraries(lua INTERFACE ${LUA_LIBRARY})
  target_compile_definitions(lua INTERFACE HAWSER_HAVE_LUA=1)
endif()

# liburing: the io_uring engine; without it, epoll moves the datagrams.
find_path(URING_INCLUDE liburing.h)
find_library(URING_LIBRARY uring)
if(URING_INCLUDE AND URING_LIBRARY)
  add_library(uring INTERFACE)
  target_include_directories(uring INTERFACE ${URING_INCLUDE})
  target_link_libraries(uring INTERFACE ${URING_LIBRARY})
  target_compile_definitions(uring INTERFACE HAWSER_HAVE_URING=1)
endif()

find_package(fmt REQUIRED)
find_package(CLI11 REQUIRED)
if(HAWSER_TESTS)
  find_package(GTest REQUIRED)
endif()
if(HAWSER_BENCH)
  find_package(benchmark REQUIRED)
endif()
