/*
 * events.h - Server-Sent Events: what has changed, for those who may read it.
 *
 * One thread reads table event in the order of its positions, for each company that
 * somebody listens to, and hands the loop what each stream gets. A stream that comes back
 * with Last-Event-ID goes on after that position: nothing is lost, nothing sent twice. Every
 * quarter of a minute a stream gets a heartbeat and its session is checked again.
 */
#ifndef TENON_EVENTS_H
#define TENON_EVENTS_H

/* What a call to /api/events has asked for; made in a worker, given to events_subscribe. */
struct subscription;

#include "core/base/conf.h"

void events_start(const struct conf *conf, const char *conninfo);
bool events_stop(void); /* false: it still runs at the deadline (worker.h) */

/* The loop's: the stream is open (0: its client has left already). Takes s. */
void events_subscribe(unsigned long stream, struct subscription *s);
void events_unsubscribe(unsigned long stream);

/* Any thread: new positions were given, look now. */
void events_wake(void);

#endif
