/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two BIRD tables of a family: what we announce, read from the kernel's table of it, and BIRD's own, in which that and what
 * neighbours announce meet. BIRD binds a kernel table to one table of its own, so a pipe is between them.
 */
#include "sstp/control/bgp_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

enum {
	OUR_PROTOCOL = 83 /* tun/rtnl.h: RTNL_PROTOCOL */
};

struct family {
	uint8_t af;
	char digit;
	const char *fallback;
	unsigned bits;
};

static const struct family families[] = {
	{AF_INET, '4', "0.0.0.0/0", 32},
	{AF_INET6, '6', "::/0", 128},
};

static void put_head(FILE *f, const struct bgp_config *c)
{
	fprintf(f,
		"# BIRD 2 for the gateway of virtual network %s; made by \"sstpctl bgp config "
		"%s\".\n"
		"#\n"
		"# Run it where the network is%s%s:\n"
		"#   bird -c THIS-FILE -s %s\n"
		"# That is where the gateway asks it for neighbours and AS paths ('bird_socket' "
		"in\n"
		"# gateway.yaml); it needs no other connection to it. In between are two tables of "
		"the kernel:\n"
		"#   %-10u what the gateway announces, as blackhole routes of protocol %d; no rule "
		"asks\n"
		"#              this table, so that nothing is forwarded by it\n"
		"#   %-10u what is learned: packets are forwarded by it, and the gateway reads it\n"
		"\n"
		"log syslog all;\n"
		"# router id 192.0.2.1;   # unless the lowest IPv4 address of an interface will "
		"do\n"
		"\n"
		"protocol device {\n"
		"}\n",
		c->vnet, c->vnet, *c->netns ? ": ip netns exec " : "", c->netns, c->socket,
		c->announce_table, OUR_PROTOCOL, c->table);
}

/* BIRD's sets have no empty ones. */
static void put_own(FILE *f, const struct bgp_config *c, const struct family *family)
{
	char text[PREFIX_TEXT_MAX];

	fprintf(f,
		"\n# The network's own prefixes: never learned, equal or more specific.\ndefine "
		"sstp_own%c = [\n",
		family->digit);
	fprintf(f, "\t%s", family->fallback);
	for (size_t i = 0; i < c->n_own; i++)
		if (c->own[i].family == family->af)
			fprintf(f, ",\n\t%s{%u,%u}", prefix_format(&c->own[i], text), c->own[i].len,
				family->bits);
	fprintf(f, "\n];\n");
}

static void put_family(FILE *f, const struct bgp_config *c, const struct family *family)
{
	char d = family->digit;

	put_own(f, c, family);
	fprintf(f,
		"\n"
		"ipv%c table sstp_announced%c;\n"
		"\n"
		"protocol kernel sstp_kernel%c {\n"
		"\tkernel table %u;\n"
		"\tlearn;              # routes that are not BIRD's\n"
		"\tscan time 60;       # besides, the kernel tells of each at once\n"
		"\tipv%c {\n"
		"\t\ttable sstp_announced%c;\n"
		"\t\timport where krt_source = %d;\n"
		"\t\texport none;\n"
		"\t};\n"
		"}\n"
		"\n"
		"protocol pipe sstp_pipe%c {\n"
		"\ttable master%c;\n"
		"\tpeer table sstp_announced%c;\n"
		"\timport all;\n"
		"\texport none;\n"
		"}\n"
		"\n"
		"protocol kernel sstp_learned%c {\n"
		"\tkernel table %u;\n"
		"\tpersist off;        # with BIRD goes what it has learned\n"
		"\tmerge paths off;    # one way to each prefix\n"
		"\tscan time 60;\n"
		"\tipv%c {\n"
		"\t\timport none;\n"
		"\t\texport where source = RTS_BGP;\n"
		"\t};\n"
		"}\n",
		d, d, d, c->announce_table, d, d, OUR_PROTOCOL, d, d, d, d, c->table, d);
}

static bool has_family(const struct bgp_config *c, uint8_t af)
{
	for (size_t i = 0; i < c->n_own; i++)
		if (c->own[i].family == af)
			return true;
	return false;
}

static void put_template(FILE *f, const struct bgp_config *c)
{
	fprintf(f,
		"\n"
		"# What all neighbours have in common.\n"
		"template bgp sstp_onpremises {\n"
		"\tlocal as %u;\n"
		"\tgraceful restart off;   # who is gone is not forwarded to\n"
		"\tconnect retry time 10;\n"
		"\terror wait time 2, 60;\n",
		c->asn);
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		char d = families[i].digit;

		if (!has_family(c, families[i].af))
			continue;
		fprintf(f,
			"\tipv%c {\n"
			"\t\timport limit 100000 action block;\n"
			"\t\timport where net !~ sstp_own%c;\n"
			"\t\t# ours alone: this gateway is no transit between neighbours\n"
			"\t\texport where source = RTS_INHERIT && krt_source = %d;\n"
			"\t\tnext hop self;\n"
			"\t};\n",
			d, d, OUR_PROTOCOL);
	}
	fprintf(f, "}\n");
}

static void put_neighbor(FILE *f, const struct bgp_config *c)
{
	bool is_given = c->neighbor != NULL;

	fprintf(f,
		"\n"
		"# One for each neighbour%s.\n"
		"protocol bgp onpremises1 from sstp_onpremises {\n"
		"%s"
		"\tneighbor %s as %u;\n"
		"\t# source address 192.0.2.1;   # if it expects another one than the interface's\n"
		"\t# multihop 2;                 # if it is not on the same link\n"
		"\t# password \"...\";             # TCP MD5\n"
		"\t# bfd on;                     # and \"protocol bfd { }\": sees in a second that "
		"it is gone\n"
		"}\n",
		is_given ? "" : "; this one is an example",
		is_given ? "" : "\tdisabled;   # take this line out\n",
		is_given ? c->neighbor : "192.0.2.2", is_given ? c->neighbor_as : 65001);
}

char *bgp_config_text(const struct bgp_config *config)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	put_head(f, config);
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		if (has_family(config, families[i].af))
			put_family(f, config, &families[i]);
	put_template(f, config);
	put_neighbor(f, config);
	if (fclose(f) == 0)
		return text;
	free(text);
	return NULL;
}
