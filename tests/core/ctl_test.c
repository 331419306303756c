/*
 * ctl_test.c - tenonctl as an administrator types it: the built program on a data folder of
 * its own.
 */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct arena *mem;
static const char *folder, *output;

enum { OUTPUT_MOST = 64 * 1024 };

/* Run `tenonctl <words> --data <folder>` with a line of standard input; its exit status.
 * What it says on both outputs is in output. */
static int
ctl(const char *line, const char *const *words)
{
    const char *argv[16] = { arena_printf(mem, "%s/tenonctl", test_programs()) };
    char *text = arena_alloc(mem, OUTPUT_MOST);
    int in[2], out[2], n = 1, status = -1;

    while (words[n - 1] && n < 12) {
        argv[n] = words[n - 1];
        n++;
    }
    argv[n++] = "--data";
    argv[n] = folder;
    if (pipe(in) || pipe(out))
        return -1;
    pid_t pid = fork();

    if (pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        dup2(out[1], 2);
        close(in[1]);
        unsetenv("TENON_PASSWORD");
        execv(argv[0], (char *const *)argv);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    CU_ASSERT_EQUAL(write(in[1], line, strlen(line)), (ssize_t)strlen(line));
    close(in[1]);
    for (size_t len = 0; len < OUTPUT_MOST - 1;) {
        ssize_t got = read(out[0], text + len, OUTPUT_MOST - 1 - len);

        if (got <= 0)
            break;
        len += (size_t)got;
    }
    close(out[0]);
    waitpid(pid, &status, 0);
    output = text;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define CTL(line, ...) ctl(line, (const char *const[]){ __VA_ARGS__, NULL })

static bool
says(const char *words)
{
    bool found = strstr(output, words) != NULL;

    if (!found)
        printf("\n    says: %s", output);
    return found;
}

static void
use_folder(const char *name)
{
    if (!mem)
        mem = arena_new();
    folder = arena_printf(mem, "%s/%s", test_folder(), name);
}

static void
a_company_is_made_once_and_its_administrator_asked_for_a_password(void)
{
    use_folder("ctl");
    CU_ASSERT_EQUAL(CTL("", "init"), 1);
    CU_ASSERT_TRUE(says("No password was given"));
    CU_ASSERT_EQUAL(CTL("short\n", "init"), 1);
    CU_ASSERT_TRUE(says("A password has 8 to 1024 characters"));
    CU_ASSERT_EQUAL(CTL("a good password\n", "init", "--name=Sample & Sons", "--code", "SONS"), 0);
    CU_ASSERT_TRUE(says("Made the company SONS; admin may sign in"));
    CU_ASSERT_EQUAL(CTL("", "init", "--code", "SONS"), 0);
    CU_ASSERT_TRUE(says("There are already"));
}

static void
users_are_added_listed_and_switched_off(void)
{
    use_folder("ctl");
    CU_ASSERT_EQUAL(CTL("a good password\n", "user", "add", "anna", "--roles", "sales,finance",
                        "--name", "Anna Bee"),
                    0);
    CU_ASSERT_EQUAL(CTL("a good password\n", "user", "add", "anna"), 1);
    CU_ASSERT_TRUE(says("Another user has this login already"));
    CU_ASSERT_EQUAL(CTL("a good password\n", "user", "add", "bert", "--roles", "boss"), 1);
    CU_ASSERT_TRUE(says("There is no role boss"));
    CU_ASSERT_EQUAL(CTL("another password\n", "user", "passwd", "anna"), 0);
    CU_ASSERT_EQUAL(CTL("another password\n", "user", "passwd", "carl"), 1);
    CU_ASSERT_EQUAL(CTL("", "user", "disable", "anna"), 0);
    CU_ASSERT_EQUAL(CTL("", "user", "list"), 0);
    CU_ASSERT_TRUE(says("Anna Bee"));
    CU_ASSERT_TRUE(says("finance,sales"));
    CU_ASSERT_TRUE(says("disabled"));
    CU_ASSERT_FALSE(strstr(output, "argon2") != NULL);
}

static void
the_checks_of_a_new_company_find_nothing(void)
{
    use_folder("ctl");
    CU_ASSERT_EQUAL(CTL("", "check"), 0);
    CU_ASSERT_TRUE(says(" 0 failed"));
    CU_ASSERT_FALSE(strstr(output, "\n0 checks") != NULL);
}

static void
nothing_is_left_running_after_a_command(void)
{
    use_folder("ctl");
    CU_ASSERT_EQUAL(CTL("", "user", "list"), 0);
    CU_ASSERT_EQUAL(CTL("", "status"), 3);
    CU_ASSERT_TRUE(says("server        does not run"));
    CU_ASSERT_TRUE(says("database      does not run"));
    CU_ASSERT_EQUAL(CTL("", "stop"), 0);
    CU_ASSERT_TRUE(says("Nothing was running"));
    CU_ASSERT_EQUAL(CTL("", "export", "item"), 1);
    CU_ASSERT_TRUE(says("No server runs on"));
}

static void
wrong_words_are_explained(void)
{
    use_folder("ctl");
    CU_ASSERT_EQUAL(CTL("", "frobnicate"), 2);
    CU_ASSERT_TRUE(says("There is no command frobnicate"));
    CU_ASSERT_EQUAL(CTL("", "user", "list", "--colour", "red"), 2);
    CU_ASSERT_TRUE(says("There is no option --colour"));
    CU_ASSERT_EQUAL(CTL("", "user"), 2);
    CU_ASSERT_TRUE(says("usage: tenonctl user"));
    CU_ASSERT_EQUAL(CTL("", "init", "--demo=yes"), 2);
    CU_ASSERT_TRUE(says("--demo takes no value"));
}

static void
every_command_explains_itself(void)
{
    static const char *const names[] = { "init",   "migrate",  "check",  "user", "import",
                                         "export", "workflow", "status", "stop" };

    use_folder("ctl");
    CU_ASSERT_EQUAL(CTL("", "--help"), 0);
    const char *all = output;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        CU_ASSERT_PTR_NOT_NULL(strstr(all, arena_printf(mem, "\n  %s ", names[i])));
        CU_ASSERT_EQUAL(CTL("", names[i], "--help"), 0);
        CU_ASSERT_TRUE(says(arena_printf(mem, "usage: tenonctl %s", names[i])));
        CU_ASSERT_TRUE(says("--data FOLDER"));
    }
}

static void
the_demo_company_can_be_made_and_its_books_agree(void)
{
    use_folder("ctl-demo");
    CU_ASSERT_EQUAL(CTL("a good password\n", "init", "--demo"), 0);
    CU_ASSERT_TRUE(says("Made the company DEMO"));
    CU_ASSERT_EQUAL(CTL("", "check"), 0);
}

const struct test ctl_tests[] = {
    { "a company is made once, and its administrator asked for a password",
      a_company_is_made_once_and_its_administrator_asked_for_a_password },
    { "users are added, listed and switched off", users_are_added_listed_and_switched_off },
    { "the checks of a new company find nothing", the_checks_of_a_new_company_find_nothing },
    { "nothing is left running after a command", nothing_is_left_running_after_a_command },
    { "wrong words are explained", wrong_words_are_explained },
    { "every command explains itself", every_command_explains_itself },
    { "the demo company can be made, and its books agree",
      the_demo_company_can_be_made_and_its_books_agree },
    { 0 },
};
