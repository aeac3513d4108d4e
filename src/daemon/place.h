/* SPDX-License-Identifier: ISC */
/*
 * The data folder in use: its store, opened here or reached in the running
 * server, and its certificate.
 *
 *   DATA/store.db, DATA/bodies/    the store (store/engine.h)
 *   DATA/tls/certificate.pem       made when the configuration names none; key.pem beside it
 *   DATA/control.sock              while the server runs (daemon/process_control.h)
 *   DATA/import-N.lock             while mail is imported into account N
 *   DATA/ports.json                while the server runs: {"smtp": 25, ..., "pin": "64 hex digits"}
 */
#ifndef DAEMON_PLACE_H
#define DAEMON_PLACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "daemon/config.h"
#include "net/tls.h"
#include "os/port.h"
#include "store/engine.h"

struct place {
	struct store *store; /* NULL: it is the running server's */
	struct port *port;   /* to the store */
};

struct place_options {
	const char *data;
	bool look_only;              /* store/engine.h; no domains then */
	const struct slice *domains; /* are put into the store */
	size_t domain_count;
	/* The disk failed a sync: nothing is written any more, the process is to be started anew. May be NULL. */
	void (*stopped)(void *ctx, const char *why);
	void *ctx;
};

/* Opens the store of a folder in this process. */
int place_open(const struct place_options *options, struct place *place_out, struct error *e);
/* Whether any mail is ours. */
bool place_has_domains(struct port *store);
int place_add_domains(struct port *store, const struct slice *domains, size_t count, struct error *e);
/*
 * Asks the running server when there is one; otherwise makes the folder if need be and opens the store here, when this is
 * root as the user of the configuration, or, when it names none, as the one who has the folder. A backup is opened to look only, and refused when something is to be
 * written.
 */
int place_reach(const struct config *config, bool to_write, struct place *place_out, struct error *e);
/* The same to look only: the domains of the configuration are not put into the store. */
int place_look(const struct config *config, struct place *place_out, struct error *e);
/* Whether there is neither a store nor a backup in the folder yet. */
bool place_is_empty(const struct config *config);
/* Whether a server runs on the folder. */
bool place_is_served(const struct config *config);
/*
 * For work that may run only once at a time: DATA/name, which root gives to the same user as in place_reach().
 * ERR_EXISTS when another program holds it. file_unlock().
 */
int place_lock(const struct config *config, const char *name, int *lock_out, struct error *e);
/* Closes the port and the store. */
void place_close(struct place *p);

/* Makes the folder if need be, for the user of the configuration when this is root. */
int place_make(const struct config *config, struct error *e);
/* ERR_DENIED when the folder is not this user's, or, for root, the server's; or when others may enter it. */
int place_check_owner(const struct config *config, struct error *e);
/* ERR_DENIED when root would run a server of root's own on another user's folder. */
int place_check_starter(const struct config *config, struct error *e);

/*
 * ERR_ORDER: a backup is not served, it is restored; an unfinished one cannot even be looked at, and neither can a folder
 * that is half restored. What was restored but for its very end is finished.
 */
int place_check_backup(const struct config *config, bool to_serve, struct error *e);
/* When this is root: the store in the folder is given to the same user as in place_reach(). */
int place_give(const struct config *config, const char *folder, struct error *e);

/* Whether place_tls() would find one and make none. */
bool place_has_tls(const struct config *config);
/*
 * The configured certificate and its key as PEM text, appended, or those in the folder, which are made (at now, unix
 * seconds) when they are not there; and its pin. ERR_TLS when they do not belong together.
 */
int place_tls(const struct config *config, uint64_t now, struct buf *certificate, struct buf *key,
    uint8_t pin_out[TLS_PIN_SIZE], struct error *e);

/* The certificate alone, PEM text, appended; none is made. ERR_NOT_FOUND; file errors. */
int place_certificate(const struct config *config, struct buf *certificate, struct error *e);

/* ports[i]: the port that listens, 0 for none. */
int place_write_ports(const struct config *config, const uint16_t ports[CONFIG_PORT_COUNT],
    const uint8_t pin[TLS_PIN_SIZE], struct error *e);
void place_remove_ports(const struct config *config);

#endif
