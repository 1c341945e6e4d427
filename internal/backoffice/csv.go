package backoffice

import (
	"bufio"
	"encoding/csv"
	"net/http"
	"strconv"
)

// rowsTrailer is the HTTP trailer that says how many rows a CSV file has, so that
// one that was cut off can be told from a whole one.
const rowsTrailer = "X-Rows"

// export answers with a CSV file of any size, in memory that does not grow with it.
// Who reads it leaves a trace. A failure in the middle breaks the connection off.
func (v *visit) export(name string, header []string, each func(write func(...cell) error) error) error {
	begun := false
	rows := 0
	err := v.act("export "+name, "", v.r.URL.RawQuery, func() error {
		v.w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		v.w.Header().Set("Content-Disposition", `attachment; filename="`+name+`.csv"`)
		v.w.Header().Set("Trailer", rowsTrailer)
		begun = true
		buffer := bufio.NewWriterSize(v.w, 64<<10)
		out := csv.NewWriter(buffer)
		if err := out.Write(header); err != nil {
			return err
		}
		record := make([]string, len(header))
		if err := each(func(cells ...cell) error {
			for i, c := range cells {
				record[i] = string(c)
			}
			rows++
			return out.Write(record)
		}); err != nil {
			return err
		}
		out.Flush()
		if err := out.Error(); err != nil {
			return err
		}
		return buffer.Flush()
	})
	if err != nil && begun {
		v.Log.Error("backoffice: export broke off", "file", name, "rows", rows, "error", err)
		panic(http.ErrAbortHandler)
	}
	v.w.Header().Set(rowsTrailer, strconv.Itoa(rows))
	return err
}
