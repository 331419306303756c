/*
 * external.c - from the administrator's conninfo to the server's.
 */
#include "core/db/external.h"
#include "core/base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PASSWORD_BYTES = 24 };

static const char *
random_hex(struct arena *mem)
{
    unsigned char bytes[PASSWORD_BYTES];
    struct str s = str_new(mem);

    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return NULL;
    for (size_t i = 0; i < sizeof bytes; i++)
        str_printf(&s, "%02x", bytes[i]);
    return s.text;
}

static const char *
password_read(struct arena *mem, const char *path)
{
    char *text = arena_alloc(mem, 2 * PASSWORD_BYTES + 2);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, 2 * PASSWORD_BYTES + 1);

    if (fd >= 0)
        close(fd);
    text[n > 0 ? strcspn(text, "\n") : 0] = '\0';
    return *text ? text : NULL;
}

/* Two starters at once: the one that makes the file first gives the password. */
static const char *
password_make(struct arena *mem, const char *path)
{
    const char *password = random_hex(mem);
    const char *fresh = arena_printf(mem, "%s.%d", path, (int)getpid());
    int fd = password ? open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;

    if (fd < 0)
        return NULL;
    bool good = write(fd, password, strlen(password)) == (ssize_t)strlen(password) && !fsync(fd);

    close(fd);
    if (good && link(fresh, path) && errno != EEXIST)
        good = false;
    unlink(fresh);
    return good ? password_read(mem, path) : NULL;
}

static void
add_option(struct str *s, const char *keyword, const char *value)
{
    str_printf(s, "%s%s='", s->len ? " " : "", keyword);
    for (; *value; value++) {
        if (*value == '\'' || *value == '\\')
            str_char(s, '\\');
        str_char(s, *value);
    }
    str_char(s, '\'');
}

const char *
external_app_conninfo(struct arena *mem, const char *folder, const char *admin,
                      const char **password, const char **error)
{
    const char *path = arena_printf(mem, "%s/tenon_app.password", folder);
    char *why = NULL;
    PQconninfoOption *options = PQconninfoParse(admin, &why);
    struct str s = str_new(mem);

    if (!options) {
        *error = arena_printf(mem, "This is not a connection string of PostgreSQL: %s",
                              why ? why : admin);
        PQfreemem(why);
        return NULL;
    }
    for (PQconninfoOption *o = options; o->keyword; o++)
        if (o->val && !str_word_in("user password passfile options", o->keyword))
            add_option(&s, o->keyword, o->val);
    PQconninfoFree(options);
    mkdir(folder, 0700);
    if (!(*password = password_read(mem, path)) && !(*password = password_make(mem, path))) {
        *error = arena_printf(mem, "Cannot keep a password in %s: %s", path, strerror(errno));
        return NULL;
    }
    add_option(&s, "user", "tenon_app");
    add_option(&s, "password", *password);
    return s.text;
}
