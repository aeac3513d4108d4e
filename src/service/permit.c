/* SPDX-License-Identifier: ISC */
#include "service/permit.h"

#include "service/ask.h"
#include "service/keys/keys.h"
#include "service/milter/filter.h"
#include "service/directory/verify.h"
#include "service/queue/queue.h"
#include "service/resolve.h"
#include "service/status/status.h"
#include "store/store.h"

const char *const process_names[PROCESS_ROLES] = {
	[PROCESS_PARENT] = "parent",
	[PROCESS_FRONT] = "front",
	[PROCESS_MX] = "mx",
	[PROCESS_WEB] = "web",
	[PROCESS_AUTH] = "auth",
	[PROCESS_RESOLVER] = "resolver",
	[PROCESS_KEYS] = "keys",
	[PROCESS_RELAY] = "relay",
	[PROCESS_FILTER] = "filter",
	[PROCESS_MAIL] = "mail",
	[PROCESS_CONTROL] = "control",
};

static const struct permit {
	enum process_kind from, to;
	const struct port_interface *interface;
	uint16_t method;
} permits[] = {
	/* Is this the password? The answer names no account to front; mail hears it from auth. */
	{ PROCESS_FRONT, PROCESS_AUTH, &ask_interface, ASK_METHOD_authenticate },
	{ PROCESS_WEB, PROCESS_AUTH, &ask_interface, ASK_METHOD_authenticate },
	/* Only of its own connections: an exchange is named by the asking process too. */
	{ PROCESS_FRONT, PROCESS_AUTH, &ask_interface, ASK_METHOD_exchange },
	{ PROCESS_FRONT, PROCESS_AUTH, &ask_interface, ASK_METHOD_exchange_end },

	{ PROCESS_AUTH, PROCESS_MAIL, &ask_interface, ASK_METHOD_verifier },
	{ PROCESS_AUTH, PROCESS_MAIL, &ask_interface, ASK_METHOD_salt_key },
	/* Taken once, by the connection that it names. */
	{ PROCESS_AUTH, PROCESS_MAIL, &ask_interface, ASK_METHOD_grant },

	{ PROCESS_MX, PROCESS_MAIL, &ask_interface, ASK_METHOD_recipient },
	{ PROCESS_MX, PROCESS_MAIL, &ask_interface, ASK_METHOD_keep },
	{ PROCESS_MX, PROCESS_MAIL, &ask_interface, ASK_METHOD_tally },
	{ PROCESS_MX, PROCESS_MAIL, &ask_interface, ASK_METHOD_delivered },
	/* A body only by who began it. */
	{ PROCESS_MX, PROCESS_MAIL, &ask_interface, ASK_METHOD_body_begin },
	{ PROCESS_MX, PROCESS_MAIL, &ask_interface, ASK_METHOD_body_append },
	{ PROCESS_MX, PROCESS_MAIL, &ask_interface, ASK_METHOD_body_abort },

	/* What another program says of a message; a conversation is only for who began it. */
	{ PROCESS_MX, PROCESS_FILTER, &filter_interface, FILTER_METHOD_begin },
	{ PROCESS_MX, PROCESS_FILTER, &filter_interface, FILTER_METHOD_body },
	{ PROCESS_MX, PROCESS_FILTER, &filter_interface, FILTER_METHOD_end },
	{ PROCESS_MX, PROCESS_FILTER, &filter_interface, FILTER_METHOD_abort },

	/* The name of who connects, and all that judging a message asks. */
	{ PROCESS_MX, PROCESS_RESOLVER, &resolve_interface, RESOLVE_METHOD_lookup },
	/* Whether a domain wants reports, and where. */
	{ PROCESS_MAIL, PROCESS_RESOLVER, &resolve_interface, RESOLVE_METHOD_lookup },
	/* The reports themselves, where they are wanted over HTTPS. */
	{ PROCESS_MAIL, PROCESS_RESOLVER, &resolve_interface, RESOLVE_METHOD_post },

	/* What is to be sent to others, and what became of it: of what it has leased. */
	{ PROCESS_RELAY, PROCESS_MAIL, &queue_interface, QUEUE_METHOD_lease },
	{ PROCESS_RELAY, PROCESS_MAIL, &queue_interface, QUEUE_METHOD_body },
	{ PROCESS_RELAY, PROCESS_MAIL, &queue_interface, QUEUE_METHOD_renew },
	{ PROCESS_RELAY, PROCESS_MAIL, &queue_interface, QUEUE_METHOD_settle },
	{ PROCESS_RELAY, PROCESS_MAIL, &queue_interface, QUEUE_METHOD_defer_domain },

	{ PROCESS_WEB, PROCESS_MAIL, &store_interface, STORE_METHOD_address_find },
	{ PROCESS_WEB, PROCESS_MAIL, &store_interface, STORE_METHOD_domain_list },
	{ PROCESS_WEB, PROCESS_MAIL, &store_interface, STORE_METHOD_certificate_find },
	{ PROCESS_WEB, PROCESS_MAIL, &store_interface, STORE_METHOD_certificate_look },
	{ PROCESS_WEB, PROCESS_MAIL, &store_interface, STORE_METHOD_certificate_count },
	{ PROCESS_WEB, PROCESS_MAIL, &store_interface, STORE_METHOD_certificate_bucket },
	{ PROCESS_WEB, PROCESS_MAIL, &store_interface, STORE_METHOD_certificate_names },
	{ PROCESS_WEB, PROCESS_MAIL, &store_interface, STORE_METHOD_directory_changes },
	/* For an account only while a grant says that it signed in there (service/directory/guard.c). */
	{ PROCESS_WEB, PROCESS_MAIL, &store_interface, STORE_METHOD_certificate_put },

	/* Where mail goes, what other domains say of their servers, and what is counted for them. */
	{ PROCESS_RELAY, PROCESS_RESOLVER, &resolve_interface, RESOLVE_METHOD_route },
	{ PROCESS_RELAY, PROCESS_RESOLVER, &resolve_interface, RESOLVE_METHOD_sts },
	{ PROCESS_RELAY, PROCESS_MAIL, &queue_interface, QUEUE_METHOD_sts_get },
	{ PROCESS_RELAY, PROCESS_MAIL, &queue_interface, QUEUE_METHOD_sts_put },
	{ PROCESS_RELAY, PROCESS_MAIL, &queue_interface, QUEUE_METHOD_tally },

	/* Only what that key is for: keys looks at it itself. */
	{ PROCESS_MAIL, PROCESS_KEYS, &keys_interface, KEYS_METHOD_list },
	{ PROCESS_MAIL, PROCESS_KEYS, &keys_interface, KEYS_METHOD_certify },
	{ PROCESS_MAIL, PROCESS_KEYS, &keys_interface, KEYS_METHOD_dkim_sign },
	{ PROCESS_MAIL, PROCESS_KEYS, &keys_interface, KEYS_METHOD_arc_sign },

	/* What they publish or take back, a token or a grant says (verify.c, guard.c). */
	{ PROCESS_WEB, PROCESS_MAIL, &store_interface, STORE_METHOD_certificate_publish },
	{ PROCESS_WEB, PROCESS_MAIL, &store_interface, STORE_METHOD_certificate_unpublish },
	{ PROCESS_WEB, PROCESS_MAIL, &verify_interface, VERIFY_METHOD_request },
	{ PROCESS_WEB, PROCESS_MAIL, &verify_interface, VERIFY_METHOD_look },
	{ PROCESS_WEB, PROCESS_MAIL, &verify_interface, VERIFY_METHOD_confirm },
	{ PROCESS_WEB, PROCESS_MAIL, &verify_interface, VERIFY_METHOD_unpublish },

	{ PROCESS_CONTROL, PROCESS_MAIL, &store_interface, STORE_METHOD_certificate_find },
	{ PROCESS_CONTROL, PROCESS_MAIL, &store_interface, STORE_METHOD_certificate_count },
	{ PROCESS_CONTROL, PROCESS_MAIL, &store_interface, STORE_METHOD_certificate_put },
	{ PROCESS_CONTROL, PROCESS_MAIL, &store_interface, STORE_METHOD_certificate_publish },
	{ PROCESS_CONTROL, PROCESS_MAIL, &store_interface, STORE_METHOD_certificate_unpublish },
	{ PROCESS_CONTROL, PROCESS_MAIL, &store_interface, STORE_METHOD_certificate_remove },
	/* How far a mirror came. */
	{ PROCESS_CONTROL, PROCESS_MAIL, &store_interface, STORE_METHOD_meta_get },
	{ PROCESS_CONTROL, PROCESS_MAIL, &store_interface, STORE_METHOD_meta_put },
	{ PROCESS_CONTROL, PROCESS_MAIL, &status_interface, STATUS_METHOD_status },
	{ PROCESS_CONTROL, PROCESS_MAIL, &store_interface, STORE_METHOD_account_create },
	{ PROCESS_CONTROL, PROCESS_MAIL, &store_interface, STORE_METHOD_account_remove },
	{ PROCESS_CONTROL, PROCESS_MAIL, &store_interface, STORE_METHOD_account_set_verifier },
	{ PROCESS_CONTROL, PROCESS_MAIL, &store_interface, STORE_METHOD_account_rename },
	{ PROCESS_CONTROL, PROCESS_MAIL, &store_interface, STORE_METHOD_account_get },
	{ PROCESS_CONTROL, PROCESS_MAIL, &store_interface, STORE_METHOD_account_list },
	{ PROCESS_CONTROL, PROCESS_MAIL, &store_interface, STORE_METHOD_credential_add },
	{ PROCESS_CONTROL, PROCESS_MAIL, &store_interface, STORE_METHOD_credential_remove },
	{ PROCESS_CONTROL, PROCESS_MAIL, &store_interface, STORE_METHOD_credential_list },
	{ PROCESS_CONTROL, PROCESS_MAIL, &store_interface, STORE_METHOD_address_add },
	{ PROCESS_CONTROL, PROCESS_MAIL, &store_interface, STORE_METHOD_address_remove },
	{ PROCESS_CONTROL, PROCESS_MAIL, &store_interface, STORE_METHOD_address_find },
	{ PROCESS_CONTROL, PROCESS_MAIL, &store_interface, STORE_METHOD_address_resolve },
	{ PROCESS_CONTROL, PROCESS_MAIL, &store_interface, STORE_METHOD_alias_add },
	{ PROCESS_CONTROL, PROCESS_MAIL, &store_interface, STORE_METHOD_alias_remove },
	{ PROCESS_CONTROL, PROCESS_MAIL, &store_interface, STORE_METHOD_alias_list },
	{ PROCESS_CONTROL, PROCESS_MAIL, &store_interface, STORE_METHOD_domain_add },
	{ PROCESS_CONTROL, PROCESS_MAIL, &store_interface, STORE_METHOD_domain_remove },
	{ PROCESS_CONTROL, PROCESS_MAIL, &store_interface, STORE_METHOD_domain_list },
	{ PROCESS_CONTROL, PROCESS_MAIL, &store_interface, STORE_METHOD_queue_get },
	{ PROCESS_CONTROL, PROCESS_MAIL, &store_interface, STORE_METHOD_queue_list },
	{ PROCESS_CONTROL, PROCESS_MAIL, &store_interface, STORE_METHOD_queue_change },
	{ PROCESS_CONTROL, PROCESS_MAIL, &store_interface, STORE_METHOD_queue_domains },
	{ PROCESS_CONTROL, PROCESS_MAIL, &store_interface, STORE_METHOD_queue_log },
	{ PROCESS_CONTROL, PROCESS_MAIL, &store_interface, STORE_METHOD_queue_totals },
	{ PROCESS_CONTROL, PROCESS_MAIL, &store_interface, STORE_METHOD_info },
	{ PROCESS_CONTROL, PROCESS_MAIL, &store_interface, STORE_METHOD_verify },
	/* Until its connection ends. */
	{ PROCESS_CONTROL, PROCESS_MAIL, &store_interface, STORE_METHOD_hold },
	/* Import and export. */
	{ PROCESS_CONTROL, PROCESS_MAIL, &store_interface, STORE_METHOD_mailbox_list },
	{ PROCESS_CONTROL, PROCESS_MAIL, &store_interface, STORE_METHOD_mailbox_get },
	{ PROCESS_CONTROL, PROCESS_MAIL, &store_interface, STORE_METHOD_mailbox_create },
	{ PROCESS_CONTROL, PROCESS_MAIL, &store_interface, STORE_METHOD_subscribe },
	{ PROCESS_CONTROL, PROCESS_MAIL, &store_interface, STORE_METHOD_message_list },
	{ PROCESS_CONTROL, PROCESS_MAIL, &store_interface, STORE_METHOD_append },
	{ PROCESS_CONTROL, PROCESS_MAIL, &store_interface, STORE_METHOD_body_begin },
	{ PROCESS_CONTROL, PROCESS_MAIL, &store_interface, STORE_METHOD_body_append },
	{ PROCESS_CONTROL, PROCESS_MAIL, &store_interface, STORE_METHOD_body_abort },
	{ PROCESS_CONTROL, PROCESS_MAIL, &store_interface, STORE_METHOD_body_read },
};

bool
permit_call(enum process_kind from, enum process_kind to, const struct port_interface *interface, uint16_t method)
{
	for (size_t i = 0; i < sizeof permits / sizeof permits[0]; i++)
		if (permits[i].from == from && permits[i].to == to && permits[i].interface == interface &&
		    permits[i].method == method)
			return true;
	return false;
}

void
permit_only(struct permit_service *out, const struct port_service *all, enum process_kind from, enum process_kind to)
{
	size_t n = 0;

	out->service = *all;
	for (size_t i = 0; i < all->handler_count && n < PERMIT_HANDLERS_MAX; i++)
		if (permit_call(from, to, all->interface, all->handlers[i].number))
			out->handlers[n++] = all->handlers[i];
	out->service.handlers = out->handlers;
	out->service.handler_count = n;
}
