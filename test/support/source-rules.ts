import ts from 'typescript';

/** What a source does that the house does not allow, each as `line: what`. */
export function violations(path: string, text: string): string[] {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const found: string[] = [];
  const report = (node: ts.Node, what: string): void => {
    found.push(`${file.getLineAndCharacterOfPosition(node.getStart()).line + 1}: ${what}`);
  };
  for (const statement of file.statements) checkTopLevel(statement, report);
  if (isBarrel(file) && !/\/src\/(index|gateway|wire)\.ts$/.test(path)) report(file, 'only re-exports: a barrel');
  const visit = (node: ts.Node): void => {
    checkNode(path, node, report);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

type Report = (node: ts.Node, what: string) => void;

function checkTopLevel(statement: ts.Statement, report: Report): void {
  if (ts.isExpressionStatement(statement)) report(statement, 'something runs at import');
  if (ts.isExportAssignment(statement)) report(statement, 'default export');
  const modifiers = ts.canHaveModifiers(statement) ? ts.getModifiers(statement) : undefined;
  if (modifiers?.some((modifier) => modifier.kind === ts.SyntaxKind.DefaultKeyword))
    report(statement, 'default export');
  if (!ts.isVariableStatement(statement)) return;
  if (!(statement.declarationList.flags & ts.NodeFlags.Const)) report(statement, 'module-level variable');
  for (const declaration of statement.declarationList.declarations) {
    if (holdsState(declaration))
      report(declaration, 'module-level state (if it is a constant, annotate it as readonly)');
  }
}

/** A collection that is empty at first is there to be filled, and one that the file changes is state however it began. */
function holdsState({ initializer, name, type }: ts.VariableDeclaration): boolean {
  if (initializer === undefined) return false;
  const declared = type?.getText() ?? '';
  const changes = new RegExp(`\\b${name.getText()}\\.(add|set|delete|clear|push|pop|shift|unshift|splice)\\(`);
  if (changes.test(name.getSourceFile().text)) return true;
  if (/^(readonly\b|Readonly)/.test(declared)) return false;
  if (ts.isArrayLiteralExpression(initializer)) return initializer.elements.length === 0;
  if (ts.isObjectLiteralExpression(initializer)) {
    return initializer.properties.length === 0 && /^(Record\b|\{|$)/.test(declared);
  }
  const collects = ts.isNewExpression(initializer) && /^(Weak)?(Map|Set)$/.test(initializer.expression.getText());
  return collects && !initializer.arguments?.length;
}

function isBarrel(file: ts.SourceFile): boolean {
  const reExports = (statement: ts.Statement): boolean =>
    ts.isExportDeclaration(statement) && statement.moduleSpecifier !== undefined;
  return file.statements.length > 0 && file.statements.every(reExports);
}

function checkNode(path: string, node: ts.Node, report: Report): void {
  if (ts.isEnumDeclaration(node)) report(node, 'enum');
  if (node.kind === ts.SyntaxKind.AnyKeyword) report(node, 'any');
  if (ts.isNonNullExpression(node)) report(node, 'non-null assertion');
  if (ts.isAwaitExpression(node) && isTopLevel(node)) report(node, 'top-level await');
  if (!ts.isIdentifier(node)) return;
  if (node.text === 'console' && isGlobal(node)) report(node, 'console');
  if (path.endsWith('/clock.ts')) return;
  const parent = node.parent;
  if (/^(setTimeout|setInterval|setImmediate)$/.test(node.text) && !takesTimerAway(node)) {
    report(node, 'a timer that is not the clock port');
  }
  if (ts.isPropertyAccessExpression(parent) && /^(Date\.now|Math\.random|performance\.now)$/.test(parent.getText())) {
    if (parent.expression === node) report(parent, 'time or randomness that is not injected');
  }
}

/** As `socket.setTimeout(0)` does, and `session.setTimeout(before)`, which gives it back. */
function takesTimerAway(node: ts.Identifier): boolean {
  const call = node.parent.parent;
  if (!ts.isPropertyAccessExpression(node.parent) || !ts.isCallExpression(call)) return false;
  return ['0', 'before'].includes(call.arguments[0]?.getText() ?? '');
}

function isGlobal(node: ts.Identifier): boolean {
  return ts.isPropertyAccessExpression(node.parent) && node.parent.expression === node;
}

function isTopLevel(node: ts.Node): boolean {
  for (let parent = node.parent; parent !== undefined; parent = parent.parent) {
    if (ts.isFunctionLike(parent) || ts.isClassStaticBlockDeclaration(parent)) return false;
  }
  return true;
}
