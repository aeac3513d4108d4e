/* SPDX-License-Identifier: ISC */
/* Inside store/: the schemas that schema.c and schema_queue.c share. */
#ifndef STORE_SCHEMA_QUEUE_H
#define STORE_SCHEMA_QUEUE_H

#include "base/codec.h"
#include "store/store.h"

extern const struct codec_schema store_content_schema, store_target_schema;

extern const struct codec_schema store_queue_letter_schema, store_queue_kept_schema, store_queue_lease_schema,
    store_queue_leased_schema, store_queue_read_schema, store_queue_renew_schema, store_queue_release_schema,
    store_queue_until_schema, store_queue_settle_schema, store_queue_settle_report_schema, store_queue_settled_schema,
    store_queue_defer_schema, store_queue_message_schema, store_queue_id_schema, store_queue_list_schema,
    store_queue_messages_schema, store_queue_change_schema, store_queue_changed_schema, store_queue_domain_list_schema,
    store_queue_domains_schema, store_queue_log_schema, store_queue_events_schema, store_queue_totals_schema;

#endif
