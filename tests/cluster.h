/*
 * cluster.h - for tests of the embedded cluster: folders, copies, questions.
 */
#ifndef TENON_TEST_CLUSTER_H
#define TENON_TEST_CLUSTER_H

#include "core/db/cluster.h"

/* Lives until the program ends. */
struct arena *cluster_mem(void);

/* A name for a folder that does not exist yet; the same too long for a socket. */
const char *cluster_fresh(void);
const char *cluster_long(void);

/* A folder with a cluster that was stopped. */
const char *cluster_copied(void);

/* What the last failure said; cluster_says prints it when the words are not in it. */
extern const char *cluster_error;
bool cluster_says(const char *words);

/* Start it; started: it must, and why not is printed. */
bool cluster_try(const char *folder, struct cluster *c);
struct cluster cluster_started(const char *folder);

/* Stop it: nothing of it may run afterwards. */
void cluster_stopped(const char *folder);

/* First column of the first row; NULL when the statement fails. */
const char *cluster_ask(const struct cluster *c, const char *sql);

/* Run a program; true when it ends well. */
bool cluster_program(const char *const *argv);
#define RUN(...) cluster_program((const char *const[]){ __VA_ARGS__, NULL })

void file_put(const char *path, const char *text);
unsigned file_mode(const char *path);
uid_t file_owner(const char *path);

#endif
