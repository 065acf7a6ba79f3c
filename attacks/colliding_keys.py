"""Return dictionaries by reference whose many keys all have one hash: building them takes ages."""

# cell: begin
MERSENNE = (1 << 61) - 1
PAIRS = tuple((number * MERSENNE, 0) for number in range(60_000))


class Many(dict):
    def items(self):
        return PAIRS


def begin(n):
    many = Many(w=0)
    many[begin] = "what can't travel"
    return many
