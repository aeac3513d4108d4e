/* SPDX-License-Identifier: ISC */
/* By libpng's simplified functions, which give errors as values, and libjpeg-turbo's own, which do too. */
#include "os/picture.h"

#include <limits.h>
#include <png.h>
#include <string.h>
#include <turbojpeg.h>

#include "os/late.h"

static struct {
	__typeof__(&png_image_begin_read_from_memory) begin_read;
	__typeof__(&png_image_finish_read) finish_read;
	__typeof__(&png_image_write_to_memory) write;
	__typeof__(&png_image_free) free;
} png;

static struct {
	__typeof__(&tjInitDecompress) init;
	__typeof__(&tjDecompressHeader3) header;
	__typeof__(&tjDecompress2) decompress;
	__typeof__(&tjDestroy) destroy;
} jpeg;

static int
need_png(struct error *e)
{
	static const struct late_symbol symbols[] = {
		{ "png_image_begin_read_from_memory", offsetof(__typeof__(png), begin_read) },
		{ "png_image_finish_read", offsetof(__typeof__(png), finish_read) },
		{ "png_image_write_to_memory", offsetof(__typeof__(png), write) },
		{ "png_image_free", offsetof(__typeof__(png), free) },
	};
	static struct late library = { "libpng16.so.16", "libpng16-16", symbols, sizeof symbols / sizeof symbols[0],
		&png, false, false };

	return late_load(&library, ERR_IO, e);
}

static int
need_jpeg(struct error *e)
{
	static const struct late_symbol symbols[] = {
		{ "tjInitDecompress", offsetof(__typeof__(jpeg), init) },
		{ "tjDecompressHeader3", offsetof(__typeof__(jpeg), header) },
		{ "tjDecompress2", offsetof(__typeof__(jpeg), decompress) },
		{ "tjDestroy", offsetof(__typeof__(jpeg), destroy) },
	};
	static struct late library = { "libturbojpeg.so.0", "libturbojpeg0", symbols,
		sizeof symbols / sizeof symbols[0], &jpeg, false, false };

	return late_load(&library, ERR_IO, e);
}

/* Room for the pixels, once their number is known to be sane. */
static uint8_t *
make_room(struct picture *p, uint64_t width, uint64_t height, struct error *e)
{
	uint8_t *pixels;

	if (width == 0 || height == 0 || width > PICTURE_SIDE_MAX || height > PICTURE_SIDE_MAX ||
	    width * height > PICTURE_PIXELS_MAX) {
		(void)error_set(e, ERR_LIMIT, "a picture of %llu x %llu pixels is too large; scan it with fewer",
		    (unsigned long long)width, (unsigned long long)height);
		return NULL;
	}
	p->width = (unsigned)width;
	p->height = (unsigned)height;
	buf_init(&p->grey, PICTURE_PIXELS_MAX);
	pixels = buf_reserve(&p->grey, p->width * (size_t)p->height);
	if (pixels == NULL)
		(void)error_nomem(e);
	return pixels;
}

static int
read_png_pixels(png_image *image, struct picture *out, struct error *e)
{
	const png_color white = { 255, 255, 255 };
	uint8_t *pixels = make_room(out, image->width, image->height, e);

	if (pixels == NULL)
		return e == NULL || e->code == 0 ? ERR_LIMIT : e->code;
	image->format = PNG_FORMAT_GRAY;
	if (!png.finish_read(image, &white, pixels, 0, NULL))
		return error_set(e, ERR_SYNTAX, "the PNG picture is damaged: %.60s", image->message);
	buf_commit(&out->grey, out->width * (size_t)out->height);
	return 0;
}

static int
read_png(struct slice file, struct picture *out, struct error *e)
{
	png_image image;
	int rc = need_png(e);

	if (rc != 0)
		return rc;
	memset(&image, 0, sizeof image);
	image.version = PNG_IMAGE_VERSION;
	if (!png.begin_read(&image, file.data, file.len))
		rc = error_set(e, ERR_SYNTAX, "the PNG picture is damaged: %.60s", image.message);
	else
		rc = read_png_pixels(&image, out, e);
	png.free(&image);
	return rc;
}

static int
read_jpeg_by(tjhandle handle, struct slice file, struct picture *out, struct error *e)
{
	int width = 0, height = 0, subsampling, space;
	uint8_t *pixels;

	if (jpeg.header(handle, file.data, file.len, &width, &height, &subsampling, &space) != 0 || width < 1 ||
	    height < 1)
		return error_set(e, ERR_SYNTAX, "the JPEG picture is damaged");
	pixels = make_room(out, (uint64_t)width, (uint64_t)height, e);
	if (pixels == NULL)
		return e == NULL || e->code == 0 ? ERR_LIMIT : e->code;
	/* Scans without end are how a small file keeps a decoder busy. */
	if (jpeg.decompress(handle, file.data, file.len, pixels, width, 0, height, TJPF_GRAY,
		TJFLAG_LIMITSCANS | TJFLAG_STOPONWARNING) != 0)
		return error_set(e, ERR_SYNTAX, "the JPEG picture is damaged");
	buf_commit(&out->grey, out->width * (size_t)out->height);
	return 0;
}

static int
read_jpeg(struct slice file, struct picture *out, struct error *e)
{
	tjhandle handle;
	int rc = need_jpeg(e);

	if (rc != 0)
		return rc;
	handle = jpeg.init();
	if (handle == NULL)
		return error_nomem(e);
	rc = read_jpeg_by(handle, file, out, e);
	(void)jpeg.destroy(handle);
	return rc;
}

int
picture_read(struct slice file, struct picture *out, struct error *e)
{
	struct error local = { .code = 0 };
	int rc;

	*out = (struct picture){ .width = 0 };
	e = e != NULL ? e : &local;
	if (file.len > PICTURE_FILE_MAX)
		return error_set(
		    e, ERR_LIMIT, "a file of more than %u MiB is no picture of a code", PICTURE_FILE_MAX >> 20);
	if (slice_starts(file, SLICE("\x89PNG\r\n\x1a\n")))
		rc = read_png(file, out, e);
	else if (slice_starts(file, SLICE("\xff\xd8\xff")))
		rc = read_jpeg(file, out, e);
	else
		return error_set(e, ERR_SYNTAX, "this is neither a PNG nor a JPEG picture");
	if (rc != 0)
		picture_done(out);
	return rc;
}

void
picture_done(struct picture *p)
{
	buf_wipe_done(&p->grey); /* it may be a secret key's page */
	p->width = p->height = 0;
}

int
picture_write_png(const struct picture *p, struct buf *out, struct error *e)
{
	png_image image;
	png_alloc_size_t size = p->width * (size_t)p->height + (1u << 16);
	uint8_t *room;
	int rc = need_png(e);

	if (rc != 0)
		return rc;
	memset(&image, 0, sizeof image);
	image.version = PNG_IMAGE_VERSION;
	image.width = p->width;
	image.height = p->height;
	image.format = PNG_FORMAT_GRAY;
	room = buf_reserve(out, size);
	if (room == NULL)
		return error_nomem(e);
	if (!png.write(&image, room, &size, 0, p->grey.data, 0, NULL))
		rc = error_set(e, ERR_IO, "the PNG picture could not be made: %.60s", image.message);
	else
		buf_commit(out, size);
	png.free(&image);
	return rc;
}
