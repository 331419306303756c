/*
 * tr.h - messages and labels in the user's language, per request: gettext's catalog is
 * process-wide, so the po files that are built into the program are read into hashes.
 */
#ifndef TENON_TR_H
#define TENON_TR_H

/* Add the entries of one .po file's text to a language ("zh"). Not thread-safe: at start. */
void tr_load(const char *language, const char *po);

/* The translation, or message itself. Thread-safe after loading. */
const char *tr_find(const char *language, const char *message);

/* Marks a sentence in a table, which is translated where it is used. */
#define TR_LATER(message) message

#endif
