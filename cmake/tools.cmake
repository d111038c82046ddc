# tools.cmake -- the optional tools: what is missing is left out, and the summary says so.
#
# Sets SY_HAVE_VERILATOR (and SY_VERILATOR, the program) and SY_HAVE_LLVM (and sy_llvm, an interface
# target with LLVM 19's C API headers and libLLVM-19.so).  C++ is enabled only for what Verilator writes.
#
# SPDX-License-Identifier: Apache-2.0
find_program(SY_CCACHE ccache)
mark_as_advanced(SY_CCACHE)
if(SY_CCACHE AND NOT CMAKE_C_COMPILER_LAUNCHER)
    set(CMAKE_C_COMPILER_LAUNCHER ${SY_CCACHE})
    set(CMAKE_CXX_COMPILER_LAUNCHER ${SY_CCACHE})
endif()

set(SY_HAVE_VERILATOR OFF)
find_program(SY_VERILATOR verilator)
if(SY_WITH_VERILATOR AND SY_VERILATOR)
    include(CheckLanguage)
    check_language(CXX)
    if(CMAKE_CXX_COMPILER)
        enable_language(CXX)
        set(SY_HAVE_VERILATOR ON)
    endif()
endif()

set(SY_HAVE_LLVM OFF)
find_library(SY_LLVM_LIBRARY NAMES LLVM-19 PATHS /usr/lib/llvm-19/lib)
find_path(SY_LLVM_INCLUDE llvm-c/Core.h PATHS /usr/lib/llvm-19/include NO_DEFAULT_PATH)
if(SY_WITH_LLVM AND SY_LLVM_LIBRARY AND SY_LLVM_INCLUDE)
    set(SY_HAVE_LLVM ON)
    add_library(sy_llvm INTERFACE)
    target_include_directories(sy_llvm SYSTEM INTERFACE ${SY_LLVM_INCLUDE})
    target_link_libraries(sy_llvm INTERFACE ${SY_LLVM_LIBRARY})
endif()

function(sy_print_summary)
    message(STATUS "Systole ${PROJECT_VERSION}: ${CMAKE_BUILD_TYPE} build with ${CMAKE_C_COMPILER_ID} "
        "${CMAKE_C_COMPILER_VERSION}")
    if(SY_HAVE_LLVM)
        message(STATUS "  LLVM 19:   ${SY_LLVM_LIBRARY}")
    else()
        message(STATUS "  LLVM 19:   not there; left out: code generation, so 'systole compile' (Debian: llvm-19-dev)")
    endif()
    if(SY_HAVE_VERILATOR)
        message(STATUS "  Verilator: ${SY_VERILATOR}")
    else()
        message(STATUS "  Verilator: not there; left out: the rtl device, 'systole cosim' and 'fuzz' (Debian: verilator, g++)")
    endif()
    if(NOT TARGET sy_tests)
        message(STATUS "  CMocka:    not there; left out: the unit tests (Debian: libcmocka-dev)")
    endif()
endfunction()
