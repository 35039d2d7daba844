/** Texts of the page whose contrast to their ground is below 4.5, which WCAG AA asks for. Runs in the page, so it is one function. */
export function lowContrasts(): string[] {
  const leastRatio = 4.5;
  const found: string[] = [];
  for (const element of document.querySelectorAll<HTMLElement>('body *')) {
    const texts = [...element.childNodes].filter(({ nodeType }) => nodeType === Node.TEXT_NODE);
    const words = texts
      .map(({ textContent }) => textContent)
      .join('')
      .trim();
    if (words === '' || !element.checkVisibility()) continue;
    const ratio = ratioOf(colourOf(getComputedStyle(element).color), groundOf(element));
    if (ratio < leastRatio) found.push(`${words}: ${ratio.toFixed(1)}`);
  }
  return found;

  function colourOf(colour: string): number[] {
    return (colour.match(/[\d.]+/g) ?? []).map(Number);
  }

  function groundOf(element: Element): number[] {
    for (let behind: Element | null = element; behind !== null; behind = behind.parentElement) {
      const colour = colourOf(getComputedStyle(behind).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  }

  function luminanceOf([red = 0, green = 0, blue = 0]: number[]): number {
    const [r = 0, g = 0, b = 0] = [red, green, blue].map((value) => {
      const part = value / 255;
      return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }

  function ratioOf(text: number[], ground: number[]): number {
    const [dark = 0, light = 0] = [luminanceOf(text), luminanceOf(ground)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  }
}
