/*
 * story.h - a business story told through the HTTPS interface, step by step: who acted, what he
 * did, which rules drove what followed, which documents it made, in how many milliseconds.
 *
 * The demo prints it; tests take the same steps silently and look at what came of them. A step
 * that fails ends the story: all later ones do nothing, and `problem` says why.
 */
#ifndef TENON_TEST_STORY_H
#define TENON_TEST_STORY_H

#include "core/base/arena.h"
#include "tests/client/client.h"

struct story;

/* loud: print what happens. Everybody signs in with the same password when he first acts. */
struct story *story_new(const char *url, const char *password, bool loud);
void story_free(struct story *s);
const char *story_problem(const struct story *s); /* NULL: all is well so far */
double story_ms(const struct story *s);           /* of all steps together */
int story_steps(const struct story *s);
struct arena *story_mem(struct story *s); /* for the texts of the story */

/* A heading between the steps. */
void story_say(struct story *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * A step: POST body to a path as this user; body NULL: "{}". The answer's id (of what was
 * created or worked on) on the story's memory, "0" after a failure.
 */
const char *story_do(struct story *s, const char *who, const char *what, const char *body,
                     const char *path, ...) __attribute__((format(printf, 5, 6)));

/* The last step's answer, by path ("created.0.id", "record.total"); "" when there is none. */
const char *story_answer(struct story *s, const char *path);

/* A step that must be refused with this code; the sentence is told. */
void story_refused(struct story *s, const char *who, const char *what, const char *code,
                   const char *body, const char *path, ...) __attribute__((format(printf, 6, 7)));

/* A value of a record, read as admin: story_get(s, "total", "/api/invoice/7"). "" for none. */
const char *story_get(struct story *s, const char *field, const char *path, ...)
    __attribute__((format(printf, 3, 4)));

/* Rules run in the background: wait until a record's field has this value. */
void story_wait(struct story *s, const char *field, const char *value, const char *path, ...)
    __attribute__((format(printf, 4, 5)));

/*
 * The newest document of a kind in the flows of this one that is in one of these states (words;
 * NULL: any), waiting for it for some seconds; its id, "0" after that.
 */
const char *story_find(struct story *s, const char *entity, const char *states, const char *of,
                       const char *id);

/* From here on the documents of this record's flows are told as they appear. */
void story_follow(struct story *s, const char *entity, const char *id);

/* Print the flow of the record that is followed as a tree: what came from what. */
void story_tree(struct story *s);

#endif
