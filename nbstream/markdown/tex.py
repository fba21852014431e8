"""What a formula may say: the commands and environments of TeX that draw something, and nothing else.

Everything that is not here could read a file, run a program, define another command or make a link, in one TeX engine
or another. These are the names that MathJax knows in the packages `base`, `ams`, `amscd`, `boldsymbol`, `braket`,
`cancel`, `centernot`, `color`, `extpfeil`, `gensymb`, `mathtools`, `mhchem`, `physics`, `textcomp` and `upgreek`,
without those that define or refer to something, and some that models write for LaTeX.
"""

from __future__ import annotations

__all__ = ["COMMANDS", "ENVIRONMENTS"]

COMMANDS = frozenset(
    """
above abovewithdelims Aboxed abs absolutevalue acomm acos acosecant acosine acot acotangent acsc acute adjustlimits
admat aleph allowbreak alpha amalg And angle anticommutator antidiagonalmatrix approx approxeq arccos arccosecant
arccosine arccot arccotangent arccsc arcsec arcsecant arcsin arcsine arctan arctangent arg argmax argmin array
ArrowBetweenLines Arrowvert arrowvert asec asecant asin asine ast asymp atan atangent atop atopwithdelims
backepsilon backprime backsim backsimeq backslash bar barwedge Bbb Bbbk bbFont bcancel because beta beth between bf
Big big bigcap bigcirc bigcup Bigg bigg Biggl biggl Biggm biggm Biggr biggr Bigl bigl Bigm bigm bigodot bigoplus
bigotimes Bigr bigr bigsqcap bigsqcup bigstar bigtimes bigtriangledown bigtriangleup biguplus bigvee bigwedge binom
blacklozenge blacksquare blacktriangle blacktriangledown blacktriangleleft blacktriangleright bm bmod bmqty
boldsymbol bot bowtie Box boxdot boxed boxminus boxplus boxtimes Bqty bqty Bra bra brace bracevert brack Braket
braket breve buildrel bullet Bumpeq bumpeq cal cancel cancelto Cap cap cases cdot cdotp cdots ce celsius centercolon
centerdot centernot centerOver cfrac check checkmark chi choose circ circeq circlearrowleft circlearrowright
circledast circledcirc circleddash circledR circledS clap clubsuit colon Colonapprox colonapprox Coloneq coloneq
Coloneqq coloneqq Colonsim colonsim color colorbox comm commutator complement cong coprod cos cosecant cosh cosine
cot cotangent coth cp cr cramped crampedclap crampedllap crampedrlap crampedsubstack cross crossproduct csc csch Cup
cup curl curlyeqprec curlyeqsucc curlyvee curlywedge curvearrowleft curvearrowright dagger daleth dashleftarrow
dashrightarrow dashv dbinom dblcolon dd ddagger ddddot dddot ddot ddots deg degree Delta delta derivative det
determinant dfrac diagdown diagonalmatrix diagup Diamond diamond diamondsuit diffd differential digamma dim
displaylines displaystyle div divergence divideontimes divsymbol dmat dot Doteq doteq doteqdot dotplus dotproduct
dots dotsb dotsc dotsi dotsm dotso doublebarwedge doublecap doublecup Downarrow downarrow downdownarrows
downharpoonleft downharpoonright dv dyad ell emph emptyset enspace ensuremath epsilon eqalign eqalignno eqcirc
Eqcolon eqcolon Eqqcolon eqqcolon eqsim eqslantgtr eqslantless equiv erf eta eth euro ev eval evaluated exists exp
expectationvalue exponential expval fallingdotseq fbox fcolorbox fderivative fdv Finv flat flatfrac forall frac frak
framebox frown functionalderivative Game Gamma gamma gcd ge genfrac geq geqq geqslant gets gg ggg gggtr gimel
gnapprox gneq gneqq gnsim grad gradient gradientnabla grave gt gtrapprox gtrdot gtreqless gtreqqless gtrless gtrsim
gvertneqq hat hbar hdashline heartsuit hfil hfill hfilll hline hom hookleftarrow hookrightarrow hphantom hskip
hslash hspace Huge huge hypcosecant hypcosine hypcotangent hypsecant hypsine hyptangent identitymatrix idotsint iff
iiiint iiint iint Im imaginary imat imath impliedby implies in inf infty injlim innerproduct int intercal intertext
intop iota ip it jmath Join kappa ker kern Ket ket Ketbra ketbra Lambda lambda land langle laplacian LARGE Large
large LaTeX lbrace lbrack lceil ldotp ldots le leadsto left Leftarrow leftarrow leftarrowtail leftharpoondown
leftharpoonup leftleftarrows Leftrightarrow leftrightarrow leftrightarrows leftrightharpoons leftrightsquigarrow
leftroot leftthreetimes leq leqalignno leqq leqslant lessapprox lessdot lesseqgtr lesseqqgtr lessgtr lesssim lfloor
lg lgroup lhd lim liminf limits limsup ll llap llbracket llcorner Lleftarrow lll llless lmoustache ln lnapprox lneq
lneqq lnot lnsim log logarithm Longleftarrow longleftarrow Longleftrightarrow longleftrightarrow longleftrightarrows
longLeftrightharpoons longmapsto Longrightarrow longrightarrow longRightleftharpoons longrightleftharpoons
looparrowleft looparrowright lor lozenge lparen lrcorner Lsh lt ltimes lVert lvert lvertneqq maltese mapsto mathbb
mathbbm mathbf mathbfcal mathbffrak mathbfit mathbfscr mathbfsf mathbfsfit mathbfsfup mathbfup mathbin mathcal
mathchoice mathclap mathclose mathds mathfrak mathinner mathit mathllap mathmakebox mathmbox mathnormal mathop
mathopen mathord mathpunct mathrel mathring mathrlap mathrm mathscr mathsf mathsfit mathsfup mathstrut mathtt mathup
matrix matrixdeterminant matrixel matrixelement matrixquantity max mbox mdet measuredangle mel mho micro mid middle
min minCDarrowheight minCDarrowwidth mit mkern mod models MoveEqLeft mp mqty mskip mspace MTThinColon mu multimap
nabla natural naturallogarithm ncong ndownarrow ne nearrow neg negmedspace negthickspace negthinspace neq newline
nexists ngeq ngeqq ngeqslant ngtr ni nicefrac nLeftarrow nleftarrow nLeftrightarrow nleftrightarrow nleq nleqq
nleqslant nless nmid nobreak nobreakspace nolimits nonscript nonumber norm normalfont normalsize not notag notChar
notin nparallel nprec npreceq nRightarrow nrightarrow nshortmid nshortparallel nsim nsubseteq nsubseteqq nsucc
nsucceq nsupseteq nsupseteqq ntriangleleft ntrianglelefteq ntriangleright ntrianglerighteq nu num nuparrow nVDash
nVdash nvDash nvdash nwarrow odot ohm oiiint oiint oint oldstyle Omega omega omicron ominus op operatorname oplus
order ordinarycolon oslash otimes outerproduct over overbrace overbracket overgroup overleftarrow overleftrightarrow
overline overparen overrightarrow overset overunderset overwithdelims owns parallel partial partialderivative
paulimatrix pb pderivative pdv perp perthousand phantom Phi phi Pi pi pitchfork pm pmat pmatrix pmb pmod Pmqty pmqty
pod poissonbracket pounds pqty Pr prec precapprox preccurlyeq preceq precnapprox precneqq precnsim precsim prescript
prime principalvalue Probability prod projlim propto protect Psi psi pu PV pv qall qand qas qassume qc qcc qcomma
qelse qeven qfor qgiven qif qin qinteger qlet qodd qor qotherwise qq qqtext qquad qsince qthen qty quad quantity
qunless qusing rangle rank rbrace rbrack rceil Re real Res Residue restriction rfloor rgroup rhd rho right
Rightarrow rightarrow rightarrowtail rightharpoondown rightharpoonup rightleftarrows rightleftharpoons
rightrightarrows rightsquigarrow rightthreetimes risingdotseq rlap rm rmoustache root rparen rrbracket Rrightarrow
Rsh rtimes rule rVert rvert S sbmqty scr scriptscriptstyle scriptsize scriptstyle searrow sec secant sech Set set
setminus sf sfrac sharp shortintertext shortmid shortparallel shortvdotswithin shoveleft shoveright SI si sideset
Sigma sigma sim simeq sin sine sinh skew small smallfrown smallint smallmatrixquantity smallsetminus smallsmile
smash smdet smile smqty space spadesuit sphericalangle splitdfrac splitfrac sPmqty spmqty sqcap sqcup sqrt sqsubset
sqsubseteq sqsupset sqsupseteq square stackbin stackrel star strut Subset subset subseteq subseteqq subsetneq
subsetneqq substack succ succapprox succcurlyeq succeq succnapprox succneqq succnsim succsim sum sup Supset supset
supseteq supseteqq supsetneq supsetneqq surd svmqty swarrow symbb symbf symbfcal symbffrak symbfit symbfscr symbfsf
symbfsfit symbfsfup symbfup symcal symfrak symit symnormal symrm symscr symsf symsfit symsfup symtt symup tag tan
tangent tanh tau tbinom TeX text textacutedbl textasciiacute textasciibreve textasciicaron textasciicircum
textasciidieresis textasciimacron textasciitilde textasteriskcentered textbackslash textbaht textbar textbardbl
textbf textbigcircle textblank textborn textbraceleft textbraceright textbrokenbar textbullet textcelsius textcent
textcentoldstyle textcircledP textclap textcolonmonetary textcolor textcompwordmark textcopyleft textcopyright
textcurrency textdagger textdaggerdbl textdegree textdied textdiscount textdiv textdivorced textdollar
textdollaroldstyle textdong textdownarrow texteightoldstyle textellipsis textemdash textendash textestimated
texteuro textexclamdown textfiveoldstyle textflorin textfouroldstyle textfractionsolidus textgravedbl textgreater
textguarani textinterrobang textinterrobangdown textit textlangle textlbrackdbl textleftarrow textless textlira
textllap textlnot textlquill textmarried textmd textmho textminus textmu textmusicalnote textnaira textnineoldstyle
textnormal textnumero textohm textonehalf textoneoldstyle textonequarter textonesuperior textopenbullet
textordfeminine textordmasculine textparagraph textperiodcentered textpertenthousand textperthousand textpeso textpm
textquestiondown textquotedblleft textquotedblright textquoteleft textquoteright textrangle textrbrackdbl textrecipe
textreferencemark textregistered textrightarrow textrlap textrm textrquill textsc textsection textservicemark
textsevenoldstyle textsf textsixoldstyle textsl textsterling textstyle textsurd textthreeoldstyle textthreequarters
textthreesuperior texttildelow texttimes texttrademark texttt texttwooldstyle texttwosuperior textunderscore textup
textuparrow textvisiblespace textwon textyen textzerooldstyle tfrac therefore Theta theta thickapprox thicksim
thinspace tilde times Tiny tiny to top Tr tr Trace trace triangle triangledown triangleleft trianglelefteq triangleq
triangleright trianglerighteq tripledash tt twoheadleftarrow twoheadrightarrow ulcorner underbrace underbracket
undergroup underleftarrow underleftrightarrow underline underparen underrightarrow underset unit unlhd unrhd upalpha
Uparrow uparrow upbeta upchi Updelta updelta Updownarrow updownarrow upepsilon upeta Upgamma upgamma upharpoonleft
upharpoonright upiota upkappa Uplambda uplambda uplus upmu upnu Upomega upomega upomicron Upphi upphi Uppi uppi
Uppsi uppsi uprho uproot Upsigma upsigma Upsilon upsilon uptau Uptheta uptheta upuparrows Upupsilon upupsilon
upvarepsilon upvarphi upvarpi upvarrho upvarsigma upvartheta Upxi upxi upzeta urcorner va var varDelta varepsilon
varGamma variation varinjlim varkappa varLambda varliminf varlimsup varnothing varOmega varPhi varphi varPi varpi
varprojlim varpropto varPsi varrho varSigma varsigma varsubsetneq varsubsetneqq varsupsetneq varsupsetneqq varTheta
vartheta vartriangle vartriangleleft vartriangleright varUpsilon varXi vb vcentcolon vcenter Vdash vDash vdash vdot
vdots vdotswithin vec vectorarrow vectorbold vectorunit vee veebar Vert vert vmqty vnabla vphantom vqty vu Vvdash
wedge widehat widetilde wp wr xcancel xhookleftarrow xhookrightarrow Xi xi xLeftarrow xleftarrow xleftharpoondown
xleftharpoonup xLeftrightarrow xleftrightarrow xLeftrightharpoons xleftrightharpoons xlongequal xmapsto xmat
xmathstrut xmatrix xRightarrow xrightarrow xrightharpoondown xrightharpoonup xRightleftharpoons xrightleftharpoons
xspace xtofrom xtwoheadleftarrow xtwoheadrightarrow yen zeromatrix zeta zmat
""".split()  # noqa: SIM905  as text it can be read
)
"""The names of commands, without the backslash."""

ENVIRONMENTS = frozenset(
    """
Bmatrix Bsmallmatrix CD Vmatrix Vsmallmatrix align alignat aligned alignedat array bmatrix bsmallmatrix cases
crampedsubarray darray dcases drcases empheq eqnarray equation flalign gather gathered lgathered matrix multline
multlined numcases pmatrix psmallmatrix rcases rgathered smallmatrix split spreadlines subarray subnumcases vmatrix
vsmallmatrix xalignat xxalignat
""".split()  # noqa: SIM905  as text it can be read
)
"""The names of environments; each may have a star."""
