/* SPDX-License-Identifier: Apache-2.0 */
/* source.c - see source.h. */
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE ((size_t)8 << 20) /* bytes of one read */

tsm_status tsm_source_open(tsm_source *source, const char *path, tsm_error *error)
{
    struct stat info;
    tsm_status status;

    *source = (tsm_source){ .fd = -1 };
    /* Without O_NONBLOCK a named pipe would hang here until somebody writes to it. */
    source->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (source->fd < 0) return tsm_fail(error, TSM_ERROR_IO, "cannot open: %s", strerror(errno));
    if (fstat(source->fd, &info) != 0) {
        status = tsm_fail(error, TSM_ERROR_IO, "cannot examine: %s", strerror(errno));
        goto fail;
    }
    if (!S_ISREG(info.st_mode)) {
        status = tsm_fail(error, TSM_ERROR_IO, "%s, not a file",
                          S_ISDIR(info.st_mode) ? "is a directory" : "is a pipe, socket or device");
        goto fail;
    }
    source->size = (uint64_t)info.st_size;
    return TSM_OK;
fail:
    tsm_source_close(source);
    return status;
}

void tsm_source_close(tsm_source *source)
{
    if (source->fd >= 0) close(source->fd);
    source->fd = -1;
}

static tsm_status read_file(const tsm_source *source, uint64_t offset, uint8_t *out, size_t bytes, tsm_error *error)
{
    while (bytes > 0) {
        ssize_t got;

        if (source->cancel) TSM_TRY_RETURN(tsm_cancel_check(source->cancel, error));
        got = pread(source->fd, out, bytes < PIECE ? bytes : PIECE, (off_t)offset);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return tsm_fail(error, TSM_ERROR_IO, "cannot read: %s", strerror(errno));
        if (got == 0) return tsm_fail(error, TSM_ERROR_IO, "became shorter while it was being read");
        out += got;
        offset += (uint64_t)got;
        bytes -= (size_t)got;
    }
    return TSM_OK;
}

tsm_status tsm_source_read(const tsm_source *source, uint64_t offset, void *out, size_t bytes, tsm_error *error)
{
    if (offset > source->size || bytes > source->size - offset)
        return tsm_fail(error, TSM_ERROR_INTERNAL, "read of %zu bytes at %llu, past the end", bytes,
                        (unsigned long long)offset);
    if (source->fd >= 0) return read_file(source, offset, out, bytes, error);
    if (bytes) memcpy(out, source->bytes + offset, bytes);
    return TSM_OK;
}

static bool is_markup(const uint8_t *head, size_t bytes)
{
    static const char *const starts[] = { "<!doctype", "<html", "<?xml", "<head" };
    size_t at = 0;

    while (at < bytes && strchr(" \t\r\n\xef\xbb\xbf", head[at]) && head[at]) at++;
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        size_t length = strlen(starts[i]);
        if (bytes - at >= length && strncasecmp((const char *)head + at, starts[i], length) == 0) return true;
    }
    return false;
}

/* ASCII without the control characters that text has no use for. */
static bool is_text(const uint8_t *head, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if ((head[i] < ' ' && !(head[i] && strchr("\t\r\n", head[i]))) || head[i] > '~') return false;
    return bytes > 0;
}

const char *tsm_source_kind(const uint8_t *head, size_t bytes)
{
    static const struct {
        size_t offset, length;
        const char *magic, *kind;
    } kinds[] = {
        { 0, 4,
          "\x7f"
          "ELF",
          "a program or shared library (ELF)" },
        { 0, 4, "\x89PNG", "a PNG image" },
        { 0, 3, "\xff\xd8\xff", "a JPEG image" },
        { 0, 5, "%PDF-", "a PDF document" },
        { 4, 4, "ftyp", "an MP4 video" },
        { 0, 4, "RIFF", "a RIFF (AVI, WAV) file" },
        { 0, 4, "\x1a\x45\xdf\xa3", "a Matroska or WebM video" },
        { 0, 2, "\x1f\x8b", "a gzip archive" },
        { 0, 3, "BZh", "a bzip2 archive" },
        { 0, 4, "\x28\xb5\x2f\xfd", "a zstd archive" },
        { 0, 6,
          "\xfd"
          "7zXZ",
          "an xz archive" },
        { 0, 6, "7z\xbc\xaf\x27\x1c", "a 7z archive" },
        { 0, 6, "Rar!\x1a\x07", "a RAR archive" },
        { 257, 5, "ustar", "a tar archive (as PyTorch before 0.1.10 wrote, which is not read)" },
        { 0, 6, "\x93NUMPY", "a NumPy array (.npy)" },
        { 0, 8, "\x89HDF\r\n\x1a\n", "an HDF5 file (as Keras writes them)" },
        { 4, 4, "TFL3", "a TensorFlow Lite model" },
        { 0, 4, "GGUF", "a GGUF file" },
        { 0, 23, "version https://git-lfs", "a Git LFS pointer (`git lfs pull` fetches the file itself)" },
    };

    if (is_markup(head, bytes)) return "an HTML or XML page";
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (bytes >= kinds[i].offset + kinds[i].length &&
            memcmp(head + kinds[i].offset, kinds[i].magic, kinds[i].length) == 0)
            return kinds[i].kind;
    return is_text(head, bytes) ? "text" : NULL;
}
