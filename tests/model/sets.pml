/* Sets of up to eight members, in one byte. Included by models. */
#define MEMBERS 8
#define IN(set, which) (((set) >> (which)) & 1)
#define ONLY(which) (1 << (which))

/* Results, within one step. */
hidden byte counted;
hidden byte picked;
hidden byte i_;

inline count(set) {
  counted = 0;
  i_ = 0;
  do :: i_ < MEMBERS -> counted = counted + IN(set, i_); i_++ :: else -> break od
}

/* Any one of a set that is not empty. */
inline pick(set) {
  if
  :: IN(set, 0) -> picked = 0
  :: IN(set, 1) -> picked = 1
  :: IN(set, 2) -> picked = 2
  :: IN(set, 3) -> picked = 3
  :: IN(set, 4) -> picked = 4
  :: IN(set, 5) -> picked = 5
  :: IN(set, 6) -> picked = 6
  :: IN(set, 7) -> picked = 7
  fi
}
