/**
 * XML out and XML in, each in one place. Documents are built as trees and rendered with every text escaped;
 * what XML cannot carry, or libvirt would misread, is refused instead of mended.
 */
import { XMLParser } from 'fast-xml-parser';

export interface XmlElement {
  name: string;
  attributes: Record<string, string | number | undefined>;
  children: (XmlElement | string)[];
}

export class XmlTextRefused extends Error {
  override readonly name = 'XmlTextRefused';
}

/** Longer texts have no business in a domain's definition. */
const longestText = 4096;
const unsafe = /[\p{Cc}\p{Zl}\p{Zp}\p{Surrogate}\ufffe\uffff]/u;
const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** An element; attributes that are undefined and children that are null are left out. */
export function element(
  name: string,
  attributes: XmlElement['attributes'] = {},
  ...children: (XmlElement | string | null)[]
): XmlElement {
  return { name, attributes, children: children.filter((child) => child !== null) };
}

function escaped(text: string): string {
  if (text.length > longestText) throw new XmlTextRefused(`a text of ${text.length} characters is too long`);
  if (unsafe.test(text)) throw new XmlTextRefused('a text contains control characters');
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}

/** @throws XmlTextRefused for texts with control characters or of absurd length. */
export function render(root: XmlElement): string {
  const attributes = Object.entries(root.attributes)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}="${escaped(String(value))}"`)
    .join('');
  const open = `<${root.name}${attributes}`;
  if (root.children.length === 0) return `${open}/>`;
  const inner = root.children.map((child) => (typeof child === 'string' ? escaped(child) : render(child)));
  return `${open}>${inner.join('')}</${root.name}>`;
}

/** A parsed element: child elements by name, always as lists; `text` and attributes are strings. */
export class XmlView {
  constructor(private readonly node: unknown) {}

  static parse(document: string): XmlView {
    const parser = new XMLParser({
      ignoreAttributes: false,
      attributeNamePrefix: '@',
      removeNSPrefix: true,
      trimValues: false,
      parseTagValue: false,
      parseAttributeValue: false,
      alwaysCreateTextNode: true,
      isArray: (_name, _path, _isLeaf, isAttribute) => !isAttribute,
      ignoreDeclaration: true,
    });
    return new XmlView(parser.parse(document));
  }

  /** All elements reached by these names. */
  all(...path: string[]): XmlView[] {
    let views: XmlView[] = [this];
    for (const name of path) {
      views = views.flatMap((view) => {
        const children = view.#field(name);
        return Array.isArray(children) ? children.map((child) => new XmlView(child)) : [];
      });
    }
    return views;
  }

  first(...path: string[]): XmlView | undefined {
    return this.all(...path)[0];
  }

  attribute(name: string): string | undefined {
    const value = this.#field(`@${name}`);
    return typeof value === 'string' ? value : undefined;
  }

  get text(): string {
    const value = typeof this.node === 'string' ? this.node : this.#field('#text');
    return typeof value === 'string' ? value : '';
  }

  #field(name: string): unknown {
    if (typeof this.node !== 'object' || this.node === null) return undefined;
    return Object.entries(this.node).find(([key]) => key === name)?.[1];
  }
}
