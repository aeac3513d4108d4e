/* SPDX-License-Identifier: ISC */
/* Inside the IMAP service: what the session and its tasks know of each other. */
#ifndef SERVICE_IMAP_INTERNAL_H
#define SERVICE_IMAP_INTERNAL_H

#include "base/error.h"
#include "service/imap/task.h"

struct imap_task *imap_task_new(struct imap_session *s, const struct service *service, uint64_t account,
    struct imap_selected *selected, const struct imap_command *command, imap_step_fn *step);
void imap_task_free(struct imap_task *t);
/* On a worker: the command with the looks at the mailbox around it. */
enum imap_step imap_task_run(struct imap_task *t);

/*
 * One thing of this session is in flight: a step on a worker, a call at the
 * store. The last imap_session_landed() wakes the connection, or frees the
 * session when the connection is gone.
 */
void imap_session_fly(struct imap_session *s);
void imap_session_landed(struct imap_session *s);
/* The same for what does not stop the session meanwhile. */
void imap_session_hold(struct imap_session *s);
void imap_session_wake_release(struct imap_session *s);
bool imap_session_gone(const struct imap_session *s);
/* Logs a fault of ours, once. */
void imap_session_fault(struct imap_session *s, const struct imap_command *command, const struct error *e);

/* ---- an APPEND: its message is staged while it comes ---- */

struct imap_upload;

/* Whether a message of so many octets travels in the request. */
bool imap_upload_is_small(uint64_t size);
int imap_upload_new(
    struct imap_session *s, const struct service *service, uint64_t size, struct imap_upload **out, struct error *e);
/* Takes octets of the message. */
void imap_upload_feed(struct imap_upload *u, struct slice data);
/* The last octets came. */
void imap_upload_end(struct imap_upload *u);
/* False while too many pieces are on their way: feed no more. */
bool imap_upload_ready(struct imap_upload *u);
/* True when everything has been answered: after imap_upload_end() the message can be kept. */
bool imap_upload_settled(struct imap_upload *u);
/* Forgets the message at the store unless it was kept. Everything must be settled. NULL is permitted. */
void imap_upload_free(struct imap_upload *u);
/* The content of the append request; ERR_SYNTAX when the message cannot be, or the store's error. */
int imap_upload_content(struct imap_upload *u, struct store_content *out, struct error *e);
void imap_upload_kept(struct imap_upload *u);
/* The upload of the command that is running, for imap_do_append_keep(). */
struct imap_upload *imap_session_upload(struct imap_session *s);

#endif
