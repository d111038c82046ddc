# warnings.cmake -- sy_warnings: the flags every target of ours is compiled with.
#
# SPDX-License-Identifier: Apache-2.0
add_library(sy_warnings INTERFACE)

target_compile_options(sy_warnings INTERFACE
    $<$<COMPILE_LANGUAGE:C>:-Wall;-Wextra;-Wpedantic;-Wshadow;-Wconversion;-Wvla;-Wswitch-enum>
    $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes;-Wmissing-prototypes>
    # Bit-exactness across compilers and machines: a * b + c is never fused behind our back.
    -ffp-contract=off
    -fvisibility=hidden
    $<$<AND:$<BOOL:${SY_WERROR}>,$<COMPILE_LANGUAGE:C>>:-Werror>)

# C11 without extensions hides POSIX (mmap, fsync, clock_gettime, realpath); this asks for it back.
target_compile_definitions(sy_warnings INTERFACE _XOPEN_SOURCE=700)

if(SY_SANITIZE)
    add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
    add_link_options(-fsanitize=address,undefined)
endif()

if(SY_COVERAGE)
    add_compile_options(--coverage)
    add_link_options(--coverage)
endif()

if(SY_FUZZ)
    if(NOT CMAKE_C_COMPILER_ID STREQUAL "Clang")
        message(FATAL_ERROR "SY_FUZZ needs clang: add -DCMAKE_C_COMPILER=clang-19 (Debian: clang-19)")
    endif()
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()
