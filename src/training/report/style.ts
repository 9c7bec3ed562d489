/**
 * The style sheet of pages, with light and dark colours to match the reader's preference, and rules for narrow screens
 * and print.
 */
import { cssVariables, svgRules } from './theme.ts';

export function pageStyle(): string {
  return `
:root{${cssVariables('light')};color-scheme:light dark}
@media screen and (prefers-color-scheme:dark){:root{${cssVariables('dark')}}}
${svgRules()}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);-webkit-text-size-adjust:100%}
body{font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,Helvetica,Arial,sans-serif}
main{max-width:960px;margin:0 auto;padding:40px 24px 64px}
h1{font-size:1.9rem;line-height:1.2;letter-spacing:-.01em;margin:0 0 6px}
h2{font-size:1.3rem;line-height:1.3;margin:0 0 6px}
p{margin:0 0 14px;max-width:74ch}
.about{color:var(--muted)}
.about b{color:var(--ink)}
section{margin-top:44px;padding-top:26px;border-top:1px solid var(--grid)}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(190px,1fr));gap:12px;margin:22px 0 18px}
.cards div{background:var(--band);border-radius:8px;padding:14px 16px}
.cards span,.cards small{display:block;color:var(--muted);font-size:.82rem}
.cards strong{display:block;font-size:1.8rem;line-height:1.25;color:var(--own);font-variant-numeric:tabular-nums}
figure{margin:18px 0 22px}
figure svg{display:block;width:100%;height:auto}
figcaption{color:var(--muted);font-size:.86rem;margin-top:6px;max-width:80ch}
.scroll{overflow-x:auto;margin:14px 0}
table{border-collapse:collapse;font-size:.86rem;font-variant-numeric:tabular-nums;min-width:60%}
caption{text-align:left;color:var(--muted);padding-bottom:6px}
th,td{padding:5px 14px 5px 0;text-align:left;border-bottom:1px solid var(--grid);white-space:nowrap;font-weight:400}
thead th{color:var(--muted);border-bottom-color:var(--axis);vertical-align:bottom}
tbody th{font-weight:600}
td:last-child,th:last-child{padding-right:0}
.n{text-align:right}
details{margin:14px 0}
summary{cursor:pointer;color:var(--own)}
summary:focus-visible{outline:2px solid var(--own);outline-offset:3px}
dl{display:grid;grid-template-columns:minmax(150px,max-content) 1fr;gap:6px 20px;margin:14px 0;font-size:.92rem}
dt{color:var(--muted)}
dd{margin:0;overflow-wrap:anywhere}
@media (max-width:560px){main{padding:24px 16px}dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:8px}}
@media print{
:root{color-scheme:light}
body{font-size:10.5pt}
main{max-width:none;padding:0}
section{break-before:auto;margin-top:22px;padding-top:14px}
h2,h2+p{break-after:avoid}
p,figure,tr,.cards{break-inside:avoid}
.scroll{overflow:visible}
table{font-size:8pt}
th,td{padding-right:8px}
.cards{grid-template-columns:repeat(4,1fr)}
}
`.trim();
}
