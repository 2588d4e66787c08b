/** The page's style: system fonts, colours that hold in light, dark and print, and one column on a phone. */
import { Markup } from "./markup.ts";

export const style = new Markup(`
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#57606a;--line:#d0d7de;--page:#fff;--box:#f6f8fa;
--good:#1a7f37;--bad:#b42318;--wait:#9a6700;--ideal:#afb8c1;
--look:#c4ccd4;--check:#8c959f;--cordon:#6e7bb8;--drain:#0969da;--enrol:#bf8700;--load:#2da44e;--uncordon:#116329;--proof:#8250df;--other:#6e7781}
@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9198a1;--line:#3d444d;--page:#0d1117;--box:#161b22;
--good:#3fb950;--bad:#ff7b72;--wait:#d29922;--ideal:#4d5661;
--look:#3d444d;--check:#6e7681;--cordon:#8b98d8;--drain:#4493f8;--enrol:#d29922;--load:#3fb950;--uncordon:#7ee787;--proof:#ab7df8;--other:#7d8590}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;-webkit-text-size-adjust:100%}
main{max-width:60rem;margin:0 auto;padding:1.5rem 1rem 3rem;overflow-wrap:anywhere}
h1{font-size:1.5rem;line-height:1.3;margin:.3rem 0 1rem;padding:.7rem 1rem;border-left:.4rem solid;background:var(--box)}
h1.good{border-color:var(--good)}h1.failed{border-color:var(--bad)}h1.open{border-color:var(--wait)}
h2{font-size:1.1rem;margin:2rem 0 .6rem;padding-bottom:.2rem;border-bottom:1px solid var(--line)}
h3{font-size:1rem;margin:0 0 .4rem}h4{font-size:.85rem;margin:.8rem 0 .2rem;color:var(--soft)}
p{margin:.4rem 0}ul{margin:.2rem 0;padding-left:1.2rem}
code,pre,.id{font-family:ui-monospace,SFMono-Regular,Menlo,"DejaVu Sans Mono",monospace;font-size:.87em}
pre{white-space:pre-wrap;margin:.4rem 0;padding:.6rem .8rem;background:var(--page);border:1px solid var(--line);border-radius:4px}
a{color:inherit}
.kind,.note,.link,footer{color:var(--soft)}.kind{margin:0}
.facts{display:flex;flex-wrap:wrap;gap:.3rem 2rem;margin:0}.facts dt{color:var(--soft);font-size:.8rem}.facts dd{margin:0}
article{padding:.8rem 1rem;margin:.8rem 0;background:var(--box);border:1px solid var(--line);border-radius:6px;break-inside:avoid}
.failure{border-left:.4rem solid var(--bad)}.id{color:var(--bad);font-weight:600}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:left;vertical-align:top;padding:.3rem .8rem .3rem 0;border-bottom:1px solid var(--line);font-weight:400}
thead th,.changes td:first-child{color:var(--soft);font-size:.85rem}
.changes td{width:42%}.changes td:first-child{white-space:nowrap;width:16%}.nodes td:first-child{min-width:5.5rem}
.flow{display:flex;flex-wrap:wrap;gap:.1rem 1.4rem;list-style:none;padding:0;font-variant-numeric:tabular-nums}
.phases td:first-child{width:5.5rem}.phases td:last-child{text-align:right;padding-right:0;white-space:nowrap}
.mark{white-space:nowrap;font-weight:600;font-size:.87em}
.mark.proven,.mark.same,.mark.left{color:var(--good)}.mark.failed{color:var(--bad)}.mark.open,.mark.pending,.mark.unproven,.mark.waiting{color:var(--wait)}.mark.held{color:var(--soft)}
.row{display:grid;grid-template-columns:9rem 1fr;align-items:center;gap:.6rem;break-inside:avoid}
.row .line{position:relative;height:2.1rem;border-left:1px solid var(--line);border-bottom:1px solid var(--line)}
.bar{print-color-adjust:exact;-webkit-print-color-adjust:exact}
.line .bar{position:absolute;top:.35rem;height:1rem;min-width:2px}
.line .bar.ideal{top:1.5rem;height:.3rem}
.axis .line{border:0;height:1.5rem;font-size:.75rem;color:var(--soft)}.axis span{position:absolute;white-space:nowrap}
.ideal{background:var(--ideal)}.look{background:var(--look)}.check{background:var(--check)}.cordon{background:var(--cordon)}.drain,.unload{background:var(--drain)}
.enrol{background:var(--enrol)}.load,.driver{background:var(--load)}.uncordon{background:var(--uncordon)}.proof{background:var(--proof)}.other{background:var(--other)}
.bar.failed{box-shadow:inset -4px 0 var(--bad),0 0 0 2px var(--bad)}.bar.open{box-shadow:inset -4px 0 var(--wait),0 0 0 2px var(--wait)}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;font-size:.82rem;color:var(--soft)}
.legend i{display:inline-block;width:.9rem;height:.7rem;margin-right:.35rem}.legend i.ideal{height:.3rem;vertical-align:.15rem}
footer{margin-top:2rem;font-size:.82rem}
@media (max-width:40rem){main{padding:1rem .8rem 2rem}h1{font-size:1.2rem}.row{grid-template-columns:1fr;gap:0}.row .name{font-size:.85rem;padding-top:.3rem}
.axis span:nth-child(even){display:none}th,td{padding-right:.5rem}.facts{gap:.3rem 1.2rem}article{padding:.7rem}}
@media print{:root{--ink:#000;--soft:#444;--line:#bbb;--page:#fff;--box:#fff;--good:#1a7f37;--bad:#b42318;--wait:#9a6700;--ideal:#afb8c1;
--look:#c4ccd4;--check:#8c959f;--cordon:#6e7bb8;--drain:#0969da;--enrol:#bf8700;--load:#2da44e;--uncordon:#116329;--proof:#8250df;--other:#6e7781}
body{font-size:9pt;line-height:1.35}main{max-width:none;padding:0}h1{font-size:13pt}h2,h3{break-after:avoid}article{padding:.4rem .6rem;margin:.5rem 0}
th,td{padding-top:.1rem;padding-bottom:.1rem}h4{margin-top:.3rem}.row .line{height:1.7rem}}
`);
