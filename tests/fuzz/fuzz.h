/*
 * fuzz.h - one target per parser: any bytes go in, and what comes out must hold together.
 *
 * Each file of this folder defines one with FUZZ(name). `make fuzz` builds it
 * with libFuzzer into a program of its own (fuzz-<name>); `make test` runs the same function
 * over the files in corpus/<name>/ (tests/core/corpus_test.c).
 */
#ifndef TENON_FUZZ_H
#define TENON_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#ifdef TENON_FUZZ
#define FUZZ(name)                                                                                 \
    int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);                                  \
    int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
#else
#define FUZZ(name)                                                                                 \
    int fuzz_##name(const uint8_t *data, size_t size);                                             \
    int fuzz_##name(const uint8_t *data, size_t size)
#endif

/* What must be so whatever the input is; else the process ends, as after a crash. */
#define MUST(condition) ((condition) ? (void)0 : abort())

#endif
