/* SPDX-License-Identifier: ISC */
/* QR codes in a picture, by libzbar. */
#include <stddef.h>
#include <zbar.h>

#include "os/late.h"
#include "os/picture.h"

/* The functions that are used, without their "zbar_". The formatter would indent each line further. */
/* clang-format off */
#define FUNCTIONS(F) \
	F(image_create) F(image_destroy) F(image_set_format) F(image_set_size) F(image_set_data) \
	F(image_first_symbol) F(image_scanner_create) F(image_scanner_destroy) F(image_scanner_set_config) \
	F(scan_image) F(symbol_next) F(symbol_get_type) F(symbol_get_data) F(symbol_get_data_length)
/* clang-format on */

static struct {
#define FIELD(name) __typeof__(&zbar_##name) name;
	FUNCTIONS(FIELD)
#undef FIELD
} zbar;

static int
need_zbar(struct error *e)
{
	static const struct late_symbol symbols[] = {
#define SYMBOL(name) { "zbar_" #name, offsetof(__typeof__(zbar), name) },
		FUNCTIONS(SYMBOL)
#undef SYMBOL
	};
	static struct late library = { "libzbar.so.0", "libzbar0", symbols, sizeof symbols / sizeof symbols[0], &zbar,
		false, false };

	return late_load(&library, ERR_IO, e);
}

static int
each_symbol(zbar_image_t *image, int (*each)(void *ctx, struct slice text, struct error *e), void *ctx, size_t *count,
    struct error *e)
{
	int rc = 0;

	for (const zbar_symbol_t *s = zbar.image_first_symbol(image);
	     rc == 0 && s != NULL && *count < PICTURE_CODES_MAX; s = zbar.symbol_next(s)) {
		if (zbar.symbol_get_type(s) != ZBAR_QRCODE)
			continue;
		++*count;
		rc = each(ctx, slice_of(zbar.symbol_get_data(s), zbar.symbol_get_data_length(s)), e);
	}
	return rc;
}

/* Only QR codes are looked for: a decoder for each further kind would be one more that a stranger's picture reaches. */
static int
scan(zbar_image_scanner_t *scanner, zbar_image_t *image, struct error *e)
{
	if (zbar.image_scanner_set_config(scanner, ZBAR_NONE, ZBAR_CFG_ENABLE, 0) != 0 ||
	    zbar.image_scanner_set_config(scanner, ZBAR_QRCODE, ZBAR_CFG_ENABLE, 1) != 0 ||
	    zbar.scan_image(scanner, image) < 0)
		return error_set(e, ERR_IO, "libzbar could not look for QR codes");
	return 0;
}

int
picture_codes(const struct picture *p, int (*each)(void *ctx, struct slice text, struct error *e), void *ctx,
    size_t *count_out, struct error *e)
{
	zbar_image_scanner_t *scanner;
	zbar_image_t *image;
	int rc = need_zbar(e);

	*count_out = 0;
	if (rc != 0)
		return rc;
	scanner = zbar.image_scanner_create();
	image = zbar.image_create();
	if (scanner == NULL || image == NULL) {
		rc = error_nomem(e);
	} else {
		zbar.image_set_format(image, zbar_fourcc('Y', '8', '0', '0'));
		zbar.image_set_size(image, p->width, p->height);
		zbar.image_set_data(image, p->grey.data, p->grey.len, NULL);
		rc = scan(scanner, image, e);
	}
	if (rc == 0)
		rc = each_symbol(image, each, ctx, count_out, e);
	if (image != NULL)
		zbar.image_destroy(image);
	if (scanner != NULL)
		zbar.image_scanner_destroy(scanner);
	return rc;
}
