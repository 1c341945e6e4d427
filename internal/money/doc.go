// Package money holds amounts of rupiah.
//
// An amount is a whole number of rupiah in an int64. The sen has not been in
// circulation for decades and no wallet balance carries it, so a fraction in a
// request is a client's mistake: it is refused, never rounded. No floating point
// number takes part anywhere.
package money
