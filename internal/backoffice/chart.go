package backoffice

import (
	"fmt"
	"html/template"
	"strings"
)

// Charts are drawn as SVG on the server. Every number in them also stands in their
// titles, which a pointer and a screen reader find; colours come from the style.

// series is one part of each bar.
type series struct {
	name  string
	class string // "good" or "bad"
	of    []int64
}

const (
	chartWidth  = 720
	chartHeight = 180
	chartLeft   = 44 // of the scale
	chartBottom = 22 // of the labels
	chartTop    = 8
)

// bars stacks the series into one bar for each label.
func bars(title string, labels []string, parts ...series) template.HTML {
	var highest int64
	for i := range labels {
		var sum int64
		for _, p := range parts {
			sum += p.of[i]
		}
		highest = max(highest, sum)
	}
	top := roundUp(highest)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="chart" viewBox="0 0 %d %d" role="img" aria-label="%s">`, chartWidth, chartHeight, template.HTMLEscapeString(title))
	height := chartHeight - chartTop - chartBottom
	for _, line := range []int64{0, 1, 2} {
		y := chartTop + height - int(line)*height/2
		fmt.Fprintf(&b, `<line class="grid" x1="%d" y1="%d" x2="%d" y2="%d"/>`, chartLeft, y, chartWidth, y)
		if line == 1 && top%2 != 0 {
			continue
		}
		fmt.Fprintf(&b, `<text class="scale" x="%d" y="%d">%s</text>`, chartLeft-6, y+4, count(top*line/2))
	}
	step := (chartWidth - chartLeft) * 100 / len(labels) // in hundredths
	every := (len(labels) + 7) / 8
	for i, label := range labels {
		x := chartLeft*100 + i*step
		y := chartTop + height
		text := label
		for _, p := range parts {
			text += fmt.Sprintf(", %s %s", p.name, count(p.of[i]))
		}
		fmt.Fprintf(&b, `<g><title>%s</title><rect class="hit" x="%s" y="%d" width="%s" height="%d"/>`, template.HTMLEscapeString(text), hundredths(x), chartTop, hundredths(step), height)
		for _, p := range parts {
			h := int(p.of[i] * int64(height) / top)
			if p.of[i] > 0 {
				h = max(h, 1)
			}
			y -= h
			fmt.Fprintf(&b, `<rect class="%s" x="%s" y="%d" width="%s" height="%d"/>`, p.class, hundredths(x+step/10), y, hundredths(step*8/10), h)
		}
		b.WriteString(`</g>`)
		if i%every == 0 {
			fmt.Fprintf(&b, `<text class="label" x="%s" y="%d">%s</text>`, hundredths(x+step/2), chartHeight-6, template.HTMLEscapeString(label))
		}
	}
	b.WriteString(`</svg><p class="legend">`)
	for _, p := range parts {
		fmt.Fprintf(&b, `<span class="key %s">%s</span> `, p.class, template.HTMLEscapeString(p.name))
	}
	b.WriteString(`</p>`)
	return template.HTML(b.String())
}

// strip shows how a whole is divided, from the best part to the worst.
func strip(parts []int64) template.HTML {
	var total int64
	for _, n := range parts {
		total += n
	}
	var b strings.Builder
	b.WriteString(`<svg class="strip" viewBox="0 0 1000 20" preserveAspectRatio="none" aria-hidden="true">`)
	var before int64
	for i, n := range parts {
		if n > 0 {
			x := before * 1000 / total
			fmt.Fprintf(&b, `<rect class="part%d" x="%d" y="0" width="%d" height="20"/>`, i, x, (before+n)*1000/total-x)
		}
		before += n
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String())
}

func hundredths(n int) string { return fmt.Sprintf("%d.%02d", n/100, n%100) }

// roundUp is the next number of the form 1, 2 or 5 times a power of ten.
func roundUp(n int64) int64 {
	for power := int64(1); ; power *= 10 {
		for _, digit := range []int64{1, 2, 5} {
			if digit*power >= n {
				return digit * power
			}
		}
	}
}
