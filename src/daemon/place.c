/* SPDX-License-Identifier: ISC */
#include "daemon/place.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "daemon/backup_mark.h"
#include "daemon/process_control.h"
#include "os/file.h"
#include "os/log.h"
#include "os/privileges.h"
#include "os/tree.h"
#include "service/policy/own.h"
#include "service/web/autoconfig.h"
#include "store/store.h"

#define NAMES_BUDGET (1u << 20)

static void
say(void *ctx, const char *line)
{
	(void)ctx;
	log_event(LOG_LEVEL_INFO, "store.says", log_str("text", line));
}

int
place_add_domains(struct port *store, const struct slice *domains, size_t count, struct error *e)
{
	for (size_t i = 0; i < count; i++) {
		const struct store_domain request = { .domain = domains[i] };
		struct store_nothing reply;
		ARENA_OWNED struct arena a = { 0 };
		int rc;

		arena_init(&a, 1 << 16);
		rc = store_domain_add(store, &request, &a, &reply, e);
		if (rc != 0)
			return rc;
	}
	return 0;
}

bool
place_has_domains(struct port *store)
{
	struct store_domains reply;
	ARENA_OWNED struct arena a = { 0 };

	arena_init(&a, 1 << 20);
	return store_domain_list(store, &(struct store_nothing){ 0 }, &a, &reply, NULL) != 0 || reply.domain_count > 0;
}

int
place_open(const struct place_options *o, struct place *place_out, struct error *e)
{
	const struct store_options options = {
		.folder = o->data, .look_only = o->look_only, .say = say, .stopped = o->stopped, .ctx = o->ctx
	};
	struct place p = { 0 };
	int rc = store_open(&options, &p.store, e);

	if (rc == 0)
		rc = port_open_local(store_service(p.store), &p.port, e);
	if (rc == 0)
		rc = place_add_domains(p.port, o->domains, o->domain_count, e);
	if (rc != 0)
		place_close(&p);
	else
		*place_out = p;
	return rc;
}

/* ---- the folder ---- */

/*
 * Whose the folder is when this is root: the configuration's user's, or, when it names none, the one's who has it already.
 * A service manager starts the server as that one, and what root made there he could not open. ERR_NOT_FOUND: root's own.
 */
static int
find_user(const struct config *config, struct privileges_user *user_out, struct error *e)
{
	struct stat st;

	if (!privileges_are_roots())
		return ERR_NOT_FOUND;
	if (config->user != NULL)
		return privileges_find(config->user, user_out, e);
	if (stat(config->data, &st) != 0 || st.st_uid == 0)
		return ERR_NOT_FOUND;
	*user_out = (struct privileges_user){ .uid = st.st_uid, .gid = st.st_gid };
	return 0;
}

int
place_check_owner(const struct config *config, struct error *e)
{
	struct privileges_user user = { .uid = geteuid() };
	struct stat st;

	(void)find_user(config, &user, NULL);
	if (lstat(config->data, &st) != 0)
		return error_set_errno(e, ERR_IO, errno, "'%s' cannot be looked at", config->data);
	if (!S_ISDIR(st.st_mode))
		return error_set(e, ERR_DENIED, "'%s' is no folder", config->data);
	if (st.st_uid != user.uid)
		return error_set(e, ERR_DENIED, "'%s' belongs to another user: %s", config->data,
		    privileges_are_roots() ? "chown it to that of 'user', with all that is in it"
					   : "be that user (runuser -u USER -- letterlockd ...), or root");
	if ((st.st_mode & 077) != 0)
		return error_set(e, ERR_DENIED, "'%s' can be entered by others: chmod 700 it", config->data);
	return 0;
}

int
place_check_starter(const struct config *config, struct error *e)
{
	struct privileges_user user;

	if (config->user != NULL || find_user(config, &user, NULL) != 0)
		return 0;
	return error_set(e, ERR_DENIED,
	    "'%s' belongs to user %u: start the server as that user, or name the user in the setting 'user'",
	    config->data, (unsigned)user.uid);
}

int
place_make(const struct config *config, struct error *e)
{
	bool there = file_exists(config->data);
	struct privileges_user user;
	int rc;

	if (config->user == NULL || !privileges_are_roots())
		return dir_make_private(config->data, e);
	rc = find_user(config, &user, e);
	if (rc == 0 && !there)
		rc = dir_make_private(config->data, e);
	if (rc == 0 && !there && chown(config->data, user.uid, user.gid) != 0)
		rc = error_set_errno(e, ERR_IO, errno, "'%s' cannot be given to %s", config->data, config->user);
	return rc;
}

static int
give_bodies(const struct tree *t, const struct privileges_user *user, struct error *e)
{
	char path[FILE_PATH_MAX];
	struct error why = { 0 };
	struct tree_list l;
	const char *name;
	int rc = tree_list_open(&l, t, "bodies", e);

	while (rc == 0 && (name = tree_list_next(&l, &why)) != NULL) {
		rc = path_join(path, "bodies", name, e);
		if (rc == 0)
			rc = tree_give(t, path, user->uid, user->gid, e);
	}
	tree_list_done(&l);
	return rc == 0 && why.code != 0 ? error_set(e, why.code, "%s", why.text) : rc;
}

/* The certificate that the server made, when all of the server is that user: by root with 'user' it stays the parent's. */
static int
give_tls(const struct tree *t, const struct privileges_user *user, struct error *e)
{
	static const char *const names[] = { "tls/certificate.pem", "tls/key.pem", "tls" };
	int rc = 0;

	for (size_t i = 0; i < sizeof names / sizeof names[0] && (rc == 0 || rc == ERR_NOT_FOUND); i++)
		rc = tree_give(t, names[i], user->uid, user->gid, e);
	return rc == ERR_NOT_FOUND ? 0 : rc;
}

/* From the inside out: who has a folder already could put something else in the place of what comes after it. */
int
place_give(const struct config *config, const char *folder, struct error *e)
{
	static const char *const names[] = { "bodies", "store.db", "lock", "" };
	struct privileges_user user;
	struct tree t = { .fd = -1 };
	int rc = find_user(config, &user, e);

	if (rc == ERR_NOT_FOUND && (config->user == NULL || !privileges_are_roots()))
		return 0;
	if (rc == 0)
		rc = tree_open(&t, folder, e);
	if (rc == 0)
		rc = give_bodies(&t, &user, e);
	if (rc == 0 && config->user == NULL)
		rc = give_tls(&t, &user, e);
	for (size_t i = 0; i < sizeof names / sizeof names[0] && rc == 0; i++)
		rc = tree_give(&t, names[i], user.uid, user.gid, e);
	tree_done(&t);
	return rc;
}

/*
 * A restore that was cut off right in the folder (daemon/restore.c) or at its very end: from here on there can be more in
 * it than the backup has, and no other restore may go on with it.
 */
static int
take_restored(const struct config *config, struct error *e)
{
	char mark[FILE_PATH_MAX], database[FILE_PATH_MAX];
	int rc = path_join(mark, config->data, BACKUP_RESTORING, e);

	if (rc == 0)
		rc = path_join(database, config->data, "store.db", e);
	if (rc != 0 || !file_exists(mark))
		return rc;
	if (!file_exists(database))
		return error_set(e, ERR_ORDER,
		    "a restore to '%s' was cut off; run letterlockd restore again, or empty the folder", config->data);
	rc = place_give(config, config->data, e);
	return rc != 0 ? rc : file_remove(mark, e);
}

int
place_check_backup(const struct config *config, bool to_serve, struct error *e)
{
	if (!backup_is_there(config->data))
		return take_restored(config, e);
	if (!backup_is_whole(config->data))
		return error_set(
		    e, ERR_ORDER, "'%s' is an unfinished backup; run letterlockd backup again", config->data);
	if (to_serve)
		return error_set(e, ERR_ORDER,
		    "'%s' is a backup; put it in the place of the data folder with letterlockd restore", config->data);
	return 0;
}

bool
place_is_served(const struct config *config)
{
	struct port *port;
	bool served = control_connect(config->data, &port, NULL) == 0;

	if (served)
		port_close(port);
	return served;
}

/* As it is, and whoever's it is. */
static int
look_at_backup(const struct config *config, bool to_write, struct place *place_out, struct error *e)
{
	const struct place_options options = { .data = config->data, .look_only = true };
	int rc;

	if (to_write)
		return error_set(e, ERR_ORDER,
		    "'%s' is a backup, which is only looked at; restore it, and change the data folder", config->data);
	rc = place_check_backup(config, false, e);
	return rc != 0 ? rc : place_open(&options, place_out, e);
}

static int
reach(const struct config *config, bool to_write, bool take_domains, struct place *place_out, struct error *e)
{
	struct slice domains[CONFIG_LIST_MAX];
	const struct place_options options = {
		.data = config->data, .domains = domains, .domain_count = take_domains ? config->domain_count : 0
	};
	struct place p = { 0 };
	struct privileges_user user;
	int rc = control_connect(config->data, &p.port, e);

	if (rc == 0) {
		*place_out = p;
		return 0;
	}
	if (rc == ERR_DENIED)
		return rc;
	if (backup_is_there(config->data))
		return look_at_backup(config, to_write, place_out, e);
	for (size_t i = 0; i < config->domain_count; i++)
		domains[i] = slice_str(config->domains[i]);
	rc = place_make(config, e);
	if (rc == 0)
		rc = take_restored(config, e);
	if (rc == 0 && find_user(config, &user, NULL) == 0)
		rc = privileges_drop(&user, NULL, e); /* what it makes there must be the server's own */
	return rc != 0 ? rc : place_open(&options, place_out, e);
}

int
place_reach(const struct config *config, bool to_write, struct place *place_out, struct error *e)
{
	return reach(config, to_write, true, place_out, e);
}

int
place_look(const struct config *config, struct place *place_out, struct error *e)
{
	return reach(config, false, false, place_out, e);
}

bool
place_is_empty(const struct config *config)
{
	static const char *const names[] = { "store.db", BACKUP_RESTORING };
	char path[FILE_PATH_MAX];

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (path_join(path, config->data, names[i], NULL) != 0 || file_exists(path))
			return false;
	return !backup_is_there(config->data);
}

int
place_lock(const struct config *config, const char *name, int *lock_out, struct error *e)
{
	struct tree t = { .fd = -1 };
	struct privileges_user user;
	char path[FILE_PATH_MAX];
	int lock, rc = path_join(path, config->data, name, e);

	if (rc == 0)
		rc = file_lock(path, false, &lock, e);
	if (rc != 0)
		return rc;
	if (find_user(config, &user, NULL) == 0) {
		rc = tree_open(&t, config->data, e);
		if (rc == 0)
			rc = tree_give(&t, name, user.uid, user.gid, e);
		tree_done(&t);
	}
	if (rc != 0)
		file_unlock(lock);
	else
		*lock_out = lock;
	return rc;
}

void
place_close(struct place *p)
{
	port_close(p->port);
	store_close(p->store);
	*p = (struct place){ 0 };
}

/* ---- certificate ---- */

static int
make_certificate(const struct config *config, uint64_t now, const char *certificate, const char *key, struct error *e)
{
	/* Our own name; and each domain, by itself and as clients ask for settings and keys in it. */
	static const char *const prefixes[] = { "", AUTOCONFIG_PREFIX, AUTODISCOVER_PREFIX, OPENPGPKEY_PREFIX,
		OWN_STS_PREFIX };
	const char *names[sizeof prefixes / sizeof prefixes[0] * CONFIG_LIST_MAX + 1] = { config->hostname };
	ARENA_OWNED struct arena texts = { 0 };
	size_t count = 1;
	struct buf a, b;
	int rc;

	arena_init(&texts, NAMES_BUDGET);
	for (size_t i = 0; i < config->domain_count; i++) {
		for (size_t k = 0; k < sizeof prefixes / sizeof prefixes[0]; k++) {
			struct slice name = arena_printf(&texts, "%s%s", prefixes[k], config->domains[i]);

			if (!slice_ieq_str(name, config->hostname) && (names[count] = arena_cstr(&texts, name)) != NULL)
				count++;
		}
	}
	buf_init(&a, 1 << 16);
	buf_init(&b, 1 << 16);
	rc = tls_self_signed(names, count, now, &a, &b, e);
	/* The key first: a certificate without its key would stay in the way. */
	if (rc == 0)
		rc = file_write_atomic(key, buf_slice(&b), 0600, e);
	if (rc == 0)
		rc = file_write_atomic(certificate, buf_slice(&a), 0644, e);
	buf_done(&a);
	buf_wipe_done(&b);
	return rc;
}

struct tls_paths {
	char folder[FILE_PATH_MAX], certificate[FILE_PATH_MAX], key[FILE_PATH_MAX];
};

static int
find_paths(const struct config *config, struct tls_paths *p, struct error *e)
{
	int rc = path_join(p->folder, config->data, "tls", e);

	if (rc == 0)
		rc = path_join(p->certificate, p->folder, "certificate.pem", e);
	return rc != 0 ? rc : path_join(p->key, p->folder, "key.pem", e);
}

bool
place_has_tls(const struct config *config)
{
	struct tls_paths p;

	return config->tls_certificate != NULL || (find_paths(config, &p, NULL) == 0 && file_exists(p.certificate));
}

static int
read_all(const char *path, struct buf *out, struct error *e)
{
	struct file_reader r;
	ssize_t n = 0;
	int rc = file_reader_open(&r, path, e);

	while (rc == 0) {
		uint8_t *room = buf_reserve(out, 16384);

		if (room == NULL)
			rc = error_set(e, out->err, "'%s' is too large", path);
		else if ((n = file_reader_get(&r, room, 16384, e)) <= 0)
			break;
		else
			buf_commit(out, (size_t)n);
	}
	if (rc == 0 && n < 0)
		rc = (int)n;
	file_reader_done(&r);
	return rc;
}

int
place_tls(const struct config *config, uint64_t now, struct buf *certificate, struct buf *key,
    uint8_t pin_out[TLS_PIN_SIZE], struct error *e)
{
	const char *certificate_path = config->tls_certificate, *key_path = config->tls_key;
	struct tls_server *probe;
	struct tls_paths p;
	int rc = 0;

	if (certificate_path == NULL) {
		rc = find_paths(config, &p, e);
		if (rc == 0)
			rc = dir_make_private(p.folder, e);
		if (rc == 0 && !file_exists(p.certificate))
			rc = make_certificate(config, now, p.certificate, p.key, e);
		certificate_path = p.certificate;
		key_path = p.key;
	}
	/* What is checked is what is handed on: the files may be replaced meanwhile. */
	if (rc == 0)
		rc = read_all(certificate_path, certificate, e);
	if (rc == 0)
		rc = read_all(key_path, key, e);
	if (rc == ERR_NOT_FOUND)
		rc = e->code = ERR_TLS; /* without it nothing can be served */
	if (rc != 0)
		return rc;
	rc = tls_server_new_pem(buf_slice(certificate), buf_slice(key), &probe, e);
	if (rc != 0)
		return error_context(e, "'%s' with '%s'", certificate_path, key_path);
	for (size_t i = 0; i < TLS_PIN_SIZE; i++)
		pin_out[i] = tls_server_pin(probe)[i];
	tls_server_free(probe);
	return 0;
}

int
place_certificate(const struct config *config, struct buf *certificate, struct error *e)
{
	struct tls_paths p;
	int rc = find_paths(config, &p, e);

	return rc != 0
	    ? rc
	    : read_all(config->tls_certificate != NULL ? config->tls_certificate : p.certificate, certificate, e);
}

/* ---- ports.json ---- */

int
place_write_ports(const struct config *config, const uint16_t ports[CONFIG_PORT_COUNT], const uint8_t pin[TLS_PIN_SIZE],
    struct error *e)
{
	char path[FILE_PATH_MAX], pin_text[TLS_PIN_TEXT];
	BUF_OWNED struct buf text = { 0 };
	int rc = path_join(path, config->data, "ports.json", e);

	if (rc != 0)
		return rc;
	buf_init(&text, 4096);
	tls_pin_text(pin, pin_text);
	(void)buf_put_str(&text, "{");
	for (int i = 0; i < CONFIG_PORT_COUNT; i++)
		if (ports[i] != 0)
			(void)buf_putf(&text, "\"%s\": %u, ", config_port_names[i], ports[i]);
	(void)buf_putf(&text, "\"pin\": \"%s\"}\n", pin_text);
	return file_write_atomic(path, buf_slice(&text), 0644, e);
}

void
place_remove_ports(const struct config *config)
{
	char path[FILE_PATH_MAX];

	if (path_join(path, config->data, "ports.json", NULL) == 0)
		(void)file_remove(path, NULL);
}
