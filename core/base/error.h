/*
 * error.h - what went wrong, in the words that the user will read.
 *
 * An error is a record: a code that programs test, the field that it is about, and a
 * sentence for a clerk. A request collects a list of them, so that a form shows all
 * that is wrong at once. One table in error.c maps a code to its HTTP status.
 */
#ifndef TENON_ERROR_H
#define TENON_ERROR_H

struct error {
    const char *code;    /* "credit_limit_exceeded": stable, snake_case */
    const char *field;   /* "lines[2].quantity", "customer_id", or NULL */
    const char *message; /* one sentence, UTF-8, no full stop, in the user's language */
    struct error *next;  /* the next thing that is wrong */
};

/*
 * The HTTP status of a code: what the table in error.c says; 422 for the codes that
 * modules invent (a rule of the business said no).
 */
int error_status(const char *code);

#endif
