/*
 * corpus_test.c - the parsers' fuzz targets over the inputs that were kept: examples of every
 * construct, and what once made one fail. (`make fuzz` looks for new ones.)
 */
#include "tests/test.h"

#include <dirent.h>
#include <stdint.h>

typedef int target(const uint8_t *data, size_t size);
target fuzz_head, fuzz_csv, fuzz_xlsx, fuzz_list, fuzz_condition, fuzz_po, fuzz_script;

static void
run_file(target *run, struct arena *mem, const char *path)
{
    FILE *f = fopen(path, "rb");
    char buffer[65536]; /* a kept input is small */

    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    size_t n = fread(buffer, 1, sizeof buffer, f);

    fclose(f);
    CU_ASSERT_TRUE(n < sizeof buffer);
    uint8_t *data = arena_alloc(mem, n + 1);

    memcpy(data, buffer, n);
    CU_ASSERT_EQUAL(run(data, n), 0);
}

static void
survives(target *run, const char *name)
{
    struct arena *mem = arena_new();
    const char *folder = arena_printf(mem, "%s/tests/fuzz/corpus/%s", TENON_SOURCE, name);
    DIR *dir = opendir(folder);
    int files = 0;

    CU_ASSERT_PTR_NOT_NULL_FATAL(dir);
    for (const struct dirent *d; (d = readdir(dir));)
        if (*d->d_name != '.') {
            run_file(run, mem, arena_printf(mem, "%s/%s", folder, d->d_name));
            files++;
        }
    closedir(dir);
    CU_ASSERT_TRUE(files >= 3);
    arena_free(mem);
}

#define SURVIVES(name)                                                                             \
    static void name##_survives(void)                                                              \
    {                                                                                              \
        survives(fuzz_##name, #name);                                                              \
    }
SURVIVES(head)
SURVIVES(csv)
SURVIVES(xlsx)
SURVIVES(list)
SURVIVES(condition)
SURVIVES(po)
SURVIVES(script)

const struct test corpus_tests[] = {
    { "the reader of request heads survives its corpus", head_survives },
    { "the reader of CSV survives its corpus", csv_survives },
    { "the reader of XLSX survives its corpus", xlsx_survives },
    { "filters, orders and cursors survive their corpus", list_survives },
    { "the reader of conditions survives its corpus", condition_survives },
    { "the reader of translations survives its corpus", po_survives },
    { "the reader of SQL scripts survives its corpus", script_survives },
    { 0 },
};
