/*
 * instance.c - written whole and renamed, so that a reader sees all of it or nothing. Before
 * anybody trusts the PID, the process must be one of tenond.
 */
#include "core/base/instance.h"
#include "core/base/str.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

enum { LARGEST = 4096 };

static const char *
path_of(struct arena *mem, const char *folder)
{
    return arena_printf(mem, "%s/server.json", folder);
}

int
instance_write(struct arena *mem, const char *folder, const char *url, const char *fingerprint)
{
    const char *path = path_of(mem, folder), *fresh = arena_printf(mem, "%s.new", path);
    struct str s = str_new(mem);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);

    if (fd < 0)
        return errno;
    str_printf(&s, "{\"pid\": %d, \"url\": ", (int)getpid());
    str_json(&s, url);
    str_add(&s, ", \"fingerprint\": ");
    str_json(&s, fingerprint);
    str_add(&s, "}\n");
    bool good = write(fd, s.text, s.len) == (ssize_t)s.len;

    close(fd);
    return good && !rename(fresh, path) ? 0 : errno ? errno : EIO;
}

void
instance_remove(struct arena *mem, const char *folder)
{
    unlink(path_of(mem, folder));
}

/* By its name: the program itself may not be read by another user than root. */
static bool
is_tenond(struct arena *mem, pid_t pid)
{
    char name[16] = "";
    int fd = open(arena_printf(mem, "/proc/%d/comm", (int)pid), O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, name, sizeof name - 1);

    if (fd >= 0)
        close(fd);
    return n > 0 && !strcmp(name, "tenond\n");
}

static cJSON *
parse_file(struct arena *mem, const char *path)
{
    char *text = arena_alloc(mem, LARGEST);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, LARGEST - 1);

    if (fd >= 0)
        close(fd);
    return n > 0 ? cJSON_Parse(text) : NULL;
}

bool
instance_read(struct arena *mem, const char *folder, struct instance *out)
{
    cJSON *json = parse_file(mem, path_of(mem, folder));
    const cJSON *pid = cJSON_GetObjectItem(json, "pid");
    const char *url = cJSON_GetStringValue(cJSON_GetObjectItem(json, "url"));
    const char *print = cJSON_GetStringValue(cJSON_GetObjectItem(json, "fingerprint"));
    bool good = cJSON_IsNumber(pid) && pid->valueint > 1 && url && print;

    if (good)
        *out = (struct instance){ pid->valueint, arena_strdup(mem, url), arena_strdup(mem, print) };
    cJSON_Delete(json);
    return good && is_tenond(mem, out->pid);
}
