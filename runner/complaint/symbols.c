// SPDX-License-Identifier: GPL-2.0-only
/* Reads the symbol table of an ELF file; see symbols.h. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/buf.h"
#include "runner/complaint/symbols.h"

/* Most bytes between the end of a function and the next symbol. */
#define PADDING_MAX 64

struct symbols {
	const uint8_t *file;
	size_t len;
	const Elf64_Shdr *sections;
	size_t nr_sections;
	const char *section_names;
	size_t section_names_len;
	const Elf64_Sym *syms;
	size_t nr_syms;
	const char *names;
	size_t names_len;
};

/*
 * Returns the n elements of that size at the offset; NULL if they are not all
 * in the file, or not aligned.
 */
static const void *part(const struct symbols *s, uint64_t offset, uint64_t n, size_t size)
{
	if (offset > s->len || n > (s->len - offset) / size ||
	    offset % (size % 8 ? 4 : 8))
		return NULL;
	return s->file + offset;
}

static const char *text_at(const char *text, size_t len, size_t at)
{
	return at < len && memchr(text + at, 0, len - at) ? text + at : "";
}

static const Elf64_Shdr *section(const struct symbols *s, size_t i)
{
	return i < s->nr_sections ? &s->sections[i] : NULL;
}

/* Returns the bytes of a string table, whose alignment is 1. */
static const char *string_table(const struct symbols *s, const Elf64_Shdr *h, size_t *len)
{
	if (!h || h->sh_type != SHT_STRTAB || h->sh_offset > s->len ||
	    h->sh_size > s->len - h->sh_offset)
		return NULL;
	*len = h->sh_size;
	return (const char *)s->file + h->sh_offset;
}

static bool read_tables(struct symbols *s)
{
	const Elf64_Ehdr *e = part(s, 0, 1, sizeof(*e));

	if (!e || memcmp(e->e_ident, ELFMAG, SELFMAG) || e->e_ident[EI_CLASS] != ELFCLASS64 ||
	    e->e_ident[EI_DATA] != ELFDATA2LSB || e->e_shentsize != sizeof(Elf64_Shdr))
		return false;
	s->sections = part(s, e->e_shoff, e->e_shnum, sizeof(Elf64_Shdr));
	s->nr_sections = s->sections ? e->e_shnum : 0;
	s->section_names = string_table(s, section(s, e->e_shstrndx), &s->section_names_len);
	for (size_t i = 0; i < s->nr_sections && !s->syms; i++) {
		const Elf64_Shdr *h = &s->sections[i];

		if (h->sh_type != SHT_SYMTAB)
			continue;
		s->nr_syms = h->sh_size / sizeof(Elf64_Sym);
		s->syms = part(s, h->sh_offset, s->nr_syms, sizeof(Elf64_Sym));
		s->names = string_table(s, section(s, h->sh_link), &s->names_len);
	}
	return s->section_names != NULL;
}

struct symbols *symbols_open(const char *path)
{
	struct symbols *s = xcalloc(1, sizeof(*s));
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *at = MAP_FAILED;

	if (fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size > 0) {
		s->len = (size_t)st.st_size;
		at = mmap(NULL, s->len, PROT_READ, MAP_PRIVATE, fd, 0);
	}
	if (fd >= 0)
		close(fd);
	s->file = at == MAP_FAILED ? NULL : at;
	if (s->file && read_tables(s))
		return s;
	symbols_close(s);
	return NULL;
}

void symbols_close(struct symbols *s)
{
	if (s && s->file)
		munmap((void *)(uintptr_t)s->file, s->len);
	free(s);
}

int symbols_find(const struct symbols *s, const char *name, uint64_t size,
		 struct symbol *found)
{
	size_t nr = 0;

	for (size_t i = 0; s->syms && s->names && i < s->nr_syms; i++) {
		const Elf64_Sym *sym = &s->syms[i];
		const Elf64_Shdr *in = section(s, sym->st_shndx);

		if (!in || !(in->sh_flags & SHF_EXECINSTR) || sym->st_size > size ||
		    size - sym->st_size > (sym->st_size ? PADDING_MAX : size) ||
		    strcmp(text_at(s->names, s->names_len, sym->st_name), name))
			continue;
		nr++;
		*found = (struct symbol){
			sym->st_value, sym->st_size,
			text_at(s->section_names, s->section_names_len, in->sh_name),
		};
	}
	return nr == 1 ? 0 : -ENOENT;
}

/* Returns the build id among the notes of a section, and its length. */
static const uint8_t *find_id(const struct symbols *s, const Elf64_Shdr *h, size_t *len)
{
	uint64_t at = h->sh_offset, end = h->sh_offset + h->sh_size;
	const Elf64_Nhdr *n;

	while (at < end && (n = part(s, at, 1, sizeof(*n)))) {
		at += sizeof(*n) + ((n->n_namesz + 3ULL) & ~3ULL);
		*len = n->n_descsz;
		if (n->n_type == NT_GNU_BUILD_ID && n->n_namesz == sizeof(ELF_NOTE_GNU))
			return part(s, at, n->n_descsz, 1);
		at += (n->n_descsz + 3ULL) & ~3ULL;
	}
	return NULL;
}

void symbols_build_id(const struct symbols *s, char *text, size_t cap)
{
	const uint8_t *id = NULL;
	size_t len = 0;

	*text = 0;
	for (size_t i = 0; i < s->nr_sections && !id; i++)
		if (s->sections[i].sh_type == SHT_NOTE)
			id = find_id(s, &s->sections[i], &len);
	for (size_t k = 0; id && k < len && 2 * k + 3 <= cap; k++)
		snprintf(text + 2 * k, cap - 2 * k, "%02x", id[k]);
}
