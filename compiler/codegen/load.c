/*
 * load.c -- finds and loads libsystole-codegen.so, the part that is linked to LLVM.
 *
 * It is looked for at $SYSTOLE_CODEGEN (a file), beside the library or program that this code is in, where the build put it, and where it is installed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE /* dladdr */
#include "load.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_NAME "libsystole-codegen.so"

enum { PATH_BYTES = 4096 };

/* Checks a library that could be opened. */
static sy_status check(void *library, const char *path, const cc_module **out, base_diag *diag) {
    const cc_module *module = dlsym(library, CC_MODULE_SYMBOL);
    if (module == NULL || module->abi != CC_MODULE_ABI || module->isa_hash != ISA_TABLE_HASH) {
        dlclose(library);
        return base_fail(diag, SY_EMISMATCH, "%s is from another build of systole", path);
    }
    *out = module;
    return SY_OK;
}

/* Folder of the library or program that holds this function, with '/'; "" if it cannot be told. */
static void own_folder(char folder[PATH_BYTES]) {
    Dl_info info;
    folder[0] = '\0';
    static const char marker = 0;
    if (dladdr(&marker, &info) != 0 && info.dli_fname != NULL) {
        const char *slash = strrchr(info.dli_fname, '/');
        if (slash != NULL) {
            snprintf(folder, PATH_BYTES, "%.*s", (int)(slash + 1 - info.dli_fname), info.dli_fname);
        }
    }
}

sy_status cc_load_module(const cc_module **out, base_diag *diag) {
    const char *given = getenv("SYSTOLE_CODEGEN");
    if (given != NULL && given[0] != '\0') {
        void *library = dlopen(given, RTLD_NOW | RTLD_LOCAL);
        if (library == NULL) {
            return base_fail(diag, SY_EUNSUPPORTED, "SYSTOLE_CODEGEN: %s", dlerror());
        }
        return check(library, given, out, diag);
    }
    char folder[PATH_BYTES];
    own_folder(folder);
    const char *const folders[] = {folder, SY_CODEGEN_BUILD_FOLDER "/", SY_CODEGEN_INSTALL_FOLDER "/"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        char path[PATH_BYTES + sizeof FILE_NAME];
        snprintf(path, sizeof path, "%s%s", folders[i], FILE_NAME);
        void *library = folders[i][0] != '\0' ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
        if (library != NULL) {
            return check(library, path, out, diag);
        }
    }
#if SY_HAVE_LLVM
    return base_fail(diag, SY_EUNSUPPORTED, "cannot load the code generator: %s (set SYSTOLE_CODEGEN to its path)", dlerror());
#else
    return base_fail(diag, SY_EUNSUPPORTED, "this build has no code generator: install llvm-19-dev and build again");
#endif
}
