/*
 * load.c -- finds and loads libsystole-codegen.so, the part that is linked to LLVM.
 *
 * It is looked for at $SYSTOLE_CODEGEN (a file), beside the library or program that this code is in, in the tree that is installed in, where the build put it, and where
 * the build meant to install it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "load.h"

#include <dlfcn.h>
#include <stdlib.h>

#include "systole/base/home.h"
#include "systole/compiler/codegen.h"

#define FILE_NAME "libsystole-codegen.so"

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

/* Opens the first library that is there; NULL if none is, and dlerror() says why. path is which. */
static void *open_library(base_buf *path)
{
    base_buf_clear(path);
    if (base_home_folder(path) && base_buf_puts(path, "/" FILE_NAME)) {
        void *library = dlopen(path->data, RTLD_NOW | RTLD_LOCAL);
        if (library != NULL) {
            return library;
        }
    }
    base_buf_clear(path);
    if (base_home_find(SY_CODEGEN_LIBDIR "/" FILE_NAME, path)) {
        return dlopen(path->data, RTLD_NOW | RTLD_LOCAL);
    }
    static const char *const built[] = {SY_CODEGEN_BUILD_FOLDER, SY_CODEGEN_INSTALL_FOLDER};
    void *library = NULL;
    for (size_t i = 0; i < sizeof built / sizeof built[0] && library == NULL; i++) {
        base_buf_clear(path);
        if (base_buf_printf(path, "%s/" FILE_NAME, built[i])) {
            library = dlopen(path->data, RTLD_NOW | RTLD_LOCAL);
        }
    }
    return library;
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
    base_buf path = {0};
    void *library = open_library(&path);
    if (library != NULL) {
        const sy_status status = check(library, path.data, out, diag);
        base_buf_free(&path);
        return status;
    }
    base_buf_free(&path);
#if SY_HAVE_LLVM
    return base_fail(diag, SY_EUNSUPPORTED, "cannot load the code generator: %s (set SYSTOLE_CODEGEN to its path)", dlerror());
#else
    return base_fail(diag, SY_EUNSUPPORTED, "this build has no code generator: install llvm-19-dev and build again");
#endif
}

sy_status cc_codegen_check(base_diag *diag)
{
    const cc_module *module;
    return cc_load_module(&module, diag);
}
