#pragma once
/*
 * Bytes of a file at an offset, however many calls the kernel wants for them.
 */
#include <stddef.h>
#include <sys/types.h>

/* 0 or -errno. */
__attribute__((warn_unused_result)) int file_write_all(int fd, const void *bytes, size_t n,
						       off_t at);
/* Fewer bytes than asked for only at the end of the file; -errno. */
__attribute__((warn_unused_result)) ssize_t file_read_all(int fd, void *to, size_t n, off_t at);
