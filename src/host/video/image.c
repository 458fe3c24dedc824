/* SPDX-License-Identifier: Apache-2.0 */
/* image.c - see image.h. */
#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/status.h"

tsm_status tsm_image_alloc(tsm_image *image, uint32_t width, uint32_t height, const tsm_image_source *source,
                           tsm_error *error)
{
    TSM_TRY_RETURN(tsm_limits_check_frame(source->limits, width, height, source->path, error));
    image->data = tsm_alloc_aligned((size_t)width * height, 3);
    if (!image->data) return tsm_fail_memory(error, (size_t)width * height * 3);
    image->width = (int)width;
    image->height = (int)height;
    return TSM_OK;
}

/* ---- The bytes ---------------------------------------------------------------------------------------------- */

typedef struct stream {
    int fd;
    int failed; /* errno of a read; 0: none */
} stream;

/* stdio takes a read that a signal interrupted for a failure, and forgets why one failed. */
static ssize_t read_stream(void *cookie, char *buffer, size_t bytes)
{
    stream *s = cookie;
    ssize_t got;

    do got = read(s->fd, buffer, bytes);
    while (got < 0 && errno == EINTR);
    if (got < 0) s->failed = errno;
    return got;
}

static int seek_stream(void *cookie, off64_t *offset, int whence)
{
    off_t at = lseek(((stream *)cookie)->fd, *offset, whence);

    if (at < 0) return -1;
    *offset = at;
    return 0;
}

static tsm_status open_stream(stream *s, const char *path, const tsm_limits *limits, tsm_error *error)
{
    struct stat facts;

    /* A pipe must not be waited for. */
    s->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (s->fd < 0 || fstat(s->fd, &facts) != 0)
        return tsm_fail_file(error, TSM_ERROR_IO, path, "%s", strerror(errno));
    if (!S_ISREG(facts.st_mode)) return tsm_fail_file(error, TSM_ERROR_UNSUPPORTED, path, "not a regular file");
    return tsm_limits_check_bytes(limits, facts.st_size, path, error);
}

/* ---- Which reader ------------------------------------------------------------------------------------------- */

static tsm_status read_image(tsm_image *image, const tsm_image_source *source, const char **kind, tsm_error *error)
{
    static const unsigned char png[4] = { 0x89, 'P', 'N', 'G' }, jpeg[2] = { 0xff, 0xd8 };
    unsigned char start[4] = { 0 };

    if (fread(start, 1, sizeof start, source->file) == 0 || fseek(source->file, 0, SEEK_SET) != 0)
        return tsm_fail_file(error, TSM_ERROR_FORMAT, source->path, "the file is empty");
    if (memcmp(start, png, sizeof png) == 0) {
        *kind = "png";
        return tsm_png_read(image, source, error);
    }
    if (memcmp(start, jpeg, sizeof jpeg) == 0) {
        *kind = "jpeg";
        return tsm_jpeg_read(image, source, error);
    }
    return tsm_fail_file(error, TSM_ERROR_FORMAT, source->path, "neither a JPEG nor a PNG image");
}

tsm_status tsm_image_read(tsm_image *image, const char *path, const tsm_limits *limits, const char **kind,
                          tsm_error *error)
{
    static const cookie_io_functions_t calls = { .read = read_stream, .seek = seek_stream };
    tsm_image_source source = { .path = path, .limits = limits };
    stream s = { .fd = -1 };
    tsm_status status;

    *image = (tsm_image){ 0 };
    TSM_TRY(open_stream(&s, path, limits, error));
    source.file = fopencookie(&s, "rb", calls);
    status = source.file ? read_image(image, &source, kind, error) : tsm_fail_memory(error, sizeof(FILE));
    if (s.failed) { /* whatever the reader took it for */
        tsm_free(image->data);
        *image = (tsm_image){ 0 };
        status = tsm_fail_file(error, TSM_ERROR_IO, path, "cannot be read: %s", strerror(s.failed));
    }
fail:
    if (source.file) fclose(source.file);
    if (s.fd >= 0) close(s.fd);
    return status;
}
